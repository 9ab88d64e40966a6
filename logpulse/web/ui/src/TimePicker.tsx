import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isZone } from "./instant";
import type { TimePickerProps, TimeRange } from "./slots";
import { describeRange, parseRange, shiftRange, zoomOut } from "./time";
import { RecentRanges } from "./time/recent";
import "./time/picker.css";

const PRESETS = ["5m", "15m", "1h", "3h", "6h", "24h", "2d", "7d"] as const;
const REFRESHES: readonly [seconds: number, text: string][] = [
  [0, "off"],
  [5, "5 s"],
  [10, "10 s"],
  [30, "30 s"],
  [60, "1 min"],
];

/** The range of the search: as words, from presets and recent ones, moved and widened; with its zone and refresh. */
export default function TimePicker(props: TimePickerProps) {
  const { from, to, zone, refresh, onChange, onZone, onRefresh, onReady } = props;
  const range: TimeRange = { from, to };
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [recent] = useState(() => new RecentRanges(window));

  useEffect(() => onReady?.(() => setOpen(true)), []);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    // In the capture phase, so that Escape closes this and not what lies beneath.
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", onEscape, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", onEscape, true);
    };
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const choose = (chosen: TimeRange) => {
    recent.note(chosen);
    onChange(chosen);
    close();
  };
  const text = describeRange(range, zone);
  return (
    <div class="timepicker" ref={root}>
      <button
        type="button"
        class="timepicker-step"
        aria-label="Earlier by half the range"
        title="Earlier ( [ )"
        onClick={() => onChange(shiftRange(range, -1, Date.now()))}
      >
        ◀
      </button>
      <button
        type="button"
        class="timepicker-open"
        ref={button}
        aria-haspopup="dialog"
        aria-expanded={open}
        title="Time range ( t )"
        onClick={() => setOpen(!open)}
      >
        <span class="timepicker-text">{text}</span> <span aria-hidden="true">▾</span>
      </button>
      <button
        type="button"
        class="timepicker-step"
        aria-label="Later by half the range"
        title="Later ( ] )"
        onClick={() => onChange(shiftRange(range, 1, Date.now()))}
      >
        ▶
      </button>
      {open && (
        <div class="timepicker-panel" role="dialog" aria-label="Time range">
          <RangeForm range={range} zone={zone} onChoose={choose} />
          <fieldset class="timepicker-presets" aria-label="Presets">
            {PRESETS.map((preset) => (
              <button
                key={preset}
                type="button"
                aria-pressed={isPreset(range, preset)}
                title={describeRange({ from: `now-${preset}`, to: "now" }, zone)}
                onClick={() => choose({ from: `now-${preset}`, to: "now" })}
              >
                <span class="visually-hidden">Last </span>
                {preset}
              </button>
            ))}
            <button type="button" onClick={() => choose(zoomOut(range, Date.now()))}>
              zoom out ×2
            </button>
          </fieldset>
          {recent.ranges.length > 0 && (
            <fieldset class="timepicker-recent">
              <legend>Recent</legend>
              {recent.ranges.map((past) => (
                <button key={`${past.from} ${past.to}`} type="button" onClick={() => choose(past)}>
                  {describeRange(past, zone)}
                </button>
              ))}
            </fieldset>
          )}
          <div class="timepicker-settings">
            <ZoneField zone={zone} onZone={onZone} />
            <label>
              Refresh
              <select value={refresh} onChange={(event) => onRefresh(Number(event.currentTarget.value))}>
                {REFRESHES.map(([seconds, name]) => (
                  <option key={seconds} value={seconds}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          </div>
        </div>
      )}
    </div>
  );
}

function RangeForm({ range, zone, onChoose }: { range: TimeRange; zone: string; onChoose(range: TimeRange): void }) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(() => writable(range, zone));
  const parsed = parseRange(typed, Date.now(), zone);
  useLayoutEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  return (
    <form
      class="timepicker-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (parsed.range) onChoose(parsed.range);
      }}
    >
      <label>
        From, to
        <input
          ref={input}
          value={typed}
          spellcheck={false}
          autocomplete="off"
          aria-invalid={parsed.error !== null}
          aria-describedby="timepicker-note"
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={parsed.error !== null}>
        Apply
      </button>
      <p id="timepicker-note" class={parsed.error ? "timepicker-error" : "timepicker-note"} aria-live="polite">
        {parsed.error ?? describeRange(parsed.range, zone)}
      </p>
    </form>
  );
}

function ZoneField({ zone, onZone }: { zone: string; onZone(zone: string): void }) {
  const [typed, setTyped] = useState(zone);
  const known = isZone(typed);
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <label>
      Zone
      <input
        list="timepicker-zones"
        value={typed}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={!known}
        title={typed === "local" ? `local: ${local}` : typed}
        onFocus={(event) => event.currentTarget.select()}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          if (isZone(event.currentTarget.value)) onZone(event.currentTarget.value);
        }}
        onBlur={() => !known && setTyped(zone)}
      />
      <datalist id="timepicker-zones">
        {["local", "UTC", ...Intl.supportedValuesOf("timeZone")].map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </label>
  );
}

/** The range as the form reads it back. */
function writable(range: TimeRange, zone: string): string {
  if (range.to === "now" && range.from.startsWith("now-")) return range.from.slice(4);
  const end = (text: string) =>
    text.startsWith("now") ? text : describeRange({ from: text, to: "now" }, zone).slice(0, -" to now".length);
  return `${end(range.from)} to ${end(range.to)}`;
}

function isPreset(range: TimeRange, preset: string): boolean {
  return (
    range.to === "now" && describeRange(range, "UTC") === describeRange({ from: `now-${preset}`, to: "now" }, "UTC")
  );
}
