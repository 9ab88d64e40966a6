import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { count } from "../format";
import { clockOf, formatInstant, MILLISECOND, parseInstant } from "../instant";
import type { Level } from "../levels";
import type { HistogramProps, TimeRange } from "../slots";
import type { VolumeAnswer } from "../types";
import "./histogram.css";
import { barsOf, isSevere, type LevelBars, legendName } from "./levels";
import { coloursAt, hatched, roundScale, short, surfaceOf } from "./paint";
import { timeTicks } from "./ticks";

const LEFT = 44; // pixels for the scale
const AXIS = 16; // pixels for the times
const LANE = 10; // pixels for errors, with a scale of their own
const GAP = 3;
const CLICK = 4; // pixels; a drag that is shorter was a click

interface Brush {
  from: number;
  to: number;
}

/** The volume over the whole range, by level: brush or click to zoom, the legend to choose levels. */
export default function Histogram(props: HistogramProps) {
  const { volume, loading, levels, zone, theme, onZoom, onZoomOut, onLevel } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [brush, setBrush] = useState<Brush | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const [size, setSize] = useState(0);
  const buckets = volume?.times.length ?? 0;
  const bars = useMemo(() => (volume ? barsOf(volume) : []), [volume]);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize(element.clientWidth * 10_000 + element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (canvas.current && volume) draw(canvas.current, volume, chosen(bars, levels), zone, cursor, brush);
  }, [volume, bars, levels, zone, theme, cursor, brush, size]);

  const bucketAt = (event: PointerEvent | MouseEvent): number => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box || buckets === 0) return 0;
    const share = (event.clientX - box.left - LEFT) / Math.max(1, box.width - LEFT);
    return Math.min(buckets - 1, Math.max(0, Math.floor(share * buckets)));
  };
  const zoom = (first: number, last: number) => {
    const range = volume && bucketRange(volume, Math.min(first, last), Math.max(first, last));
    if (range) onZoom(range);
  };
  const pressed = useRef<{ x: number; bucket: number } | null>(null);
  const clicks = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0 || !volume) return;
    pressed.current = { x: event.clientX, bucket: bucketAt(event) };
    canvas.current?.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent) => {
    const bucket = bucketAt(event);
    setCursor(bucket);
    const start = pressed.current;
    if (start && Math.abs(event.clientX - start.x) >= CLICK) setBrush({ from: start.bucket, to: bucket });
  };
  const onPointerUp = (event: PointerEvent) => {
    const start = pressed.current;
    pressed.current = null;
    setBrush(null);
    if (!start) return;
    if (Math.abs(event.clientX - start.x) >= CLICK) return zoom(start.bucket, bucketAt(event));
    // A click zooms only when no second one follows, which would zoom out.
    clearTimeout(clicks.current);
    clicks.current = setTimeout(() => zoom(start.bucket, start.bucket), 250);
  };
  const onDoubleClick = () => {
    clearTimeout(clicks.current);
    onZoomOut();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (buckets === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = cursor ?? buckets - 1;
    const last = brush?.to ?? at;
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: last - 1,
      ArrowRight: last + 1,
      Home: 0,
      End: buckets - 1,
    };
    const moved = moves[event.key];
    if (moved !== undefined) {
      const to = Math.min(buckets - 1, Math.max(0, moved));
      setBrush(event.shiftKey ? { from: brush?.from ?? at, to } : null);
      setCursor(cursor === null && !event.shiftKey ? at : to);
    } else if (event.key === "Enter") {
      zoom(brush?.from ?? at, brush?.to ?? at);
      setBrush(null);
    } else if (event.key === "Escape" && (brush || cursor !== null)) {
      setBrush(null);
      setCursor(null);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class={`histogram${loading ? " histogram-stale" : ""}`}>
      <div class="histogram-plot">
        <canvas
          ref={canvas}
          class="histogram-canvas"
          role="slider"
          tabIndex={0}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, buckets - 1)}
          aria-valuenow={cursor ?? Math.max(0, buckets - 1)}
          aria-valuetext={volume && cursor !== null ? label(volume, bars, cursor, zone) : ""}
          aria-label={volume ? label(volume, bars, null, zone) : "Volume of the range: loading"}
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onPointerUp={onPointerUp}
          onPointerCancel={() => {
            pressed.current = null;
            setBrush(null);
          }}
          onPointerLeave={() => pressed.current === null && setCursor(null)}
          onDblClick={onDoubleClick}
          onKeyDown={onKeyDown}
          onBlur={() => setCursor(null)}
        />
        {volume && cursor !== null && cursor < buckets && (
          <Tooltip volume={volume} bars={bars} bucket={cursor} zone={zone} />
        )}
        {volume?.total === 0 && <p class="histogram-empty">No lines in this range</p>}
      </div>
      {volume && <Legend bars={bars} estimated={volume.estimated} levels={levels} onLevel={onLevel} />}
      {volume && <Table volume={volume} bars={bars} zone={zone} />}
    </div>
  );
}

interface LegendProps extends Pick<HistogramProps, "levels" | "onLevel"> {
  bars: readonly LevelBars[];
  estimated: boolean;
}

function Legend({ bars, estimated, levels, onLevel }: LegendProps) {
  return (
    <fieldset class="histogram-legend" aria-label="Levels">
      {bars.map((bar) => {
        const { level, total } = bar;
        const on = levels.length === 0 || levels.includes(level);
        return (
          <button
            key={level}
            type="button"
            class="histogram-level"
            data-level={level}
            aria-pressed={levels.includes(level)}
            data-off={on ? undefined : ""}
            title={`Only ${level} (Shift: add or take away)`}
            onClick={(event) => onLevel(level, event.shiftKey)}
          >
            <i aria-hidden="true" />
            {legendName(bar)} <b>{count(total)}</b>
          </button>
        );
      })}
      {estimated && <span class="histogram-estimated">split by level estimated; the sum is exact</span>}
    </fieldset>
  );
}

interface PlotProps {
  volume: VolumeAnswer;
  bars: readonly LevelBars[];
  zone: string;
}

function Tooltip({ volume, bars, bucket, zone }: PlotProps & { bucket: number }) {
  const share = (bucket + 0.5) / volume.times.length;
  const rows = bars.filter(({ counts }) => (counts[bucket] ?? 0) > 0);
  const place = `calc(${LEFT}px + (100% - ${LEFT}px) * ${share})`;
  return (
    <div
      class="histogram-tooltip"
      style={share > 0.5 ? { right: `calc(100% - ${place} + 8px)` } : { left: `calc(${place} + 8px)` }}
      aria-hidden="true"
    >
      <div class="histogram-when">{whenOf(volume, bucket, zone)}</div>
      {rows.map(({ level, counts }) => (
        <div key={level} class="histogram-row" data-level={level}>
          <i />
          <span>{level}</span>
          <b>{count(counts[bucket] ?? 0)}</b>
        </div>
      ))}
      {rows.length === 0 && <div class="histogram-row">no lines</div>}
    </div>
  );
}

function Table({ volume, bars, zone }: PlotProps) {
  const clock = clockOf(zone);
  return (
    <table class="visually-hidden">
      <caption>Lines by time and level</caption>
      <thead>
        <tr>
          <th scope="col">From</th>
          {bars.map(({ level }) => (
            <th scope="col" key={level}>
              {level}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {volume.times.map((time, bucket) => (
          <tr key={time}>
            <th scope="row">{formatInstant(parseInstant(time) ?? 0n, clock, 0)}</th>
            {bars.map(({ level, counts }) => (
              <td key={level}>{counts[bucket] ?? 0}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function draw(
  canvas: HTMLCanvasElement,
  volume: VolumeAnswer,
  series: readonly LevelBars[],
  zone: string,
  cursor: number | null,
  brush: Brush | null,
): void {
  const surface = surfaceOf(canvas);
  if (!surface) return;
  const { context, width, height } = surface;
  const colour = coloursAt(canvas);
  const buckets = volume.times.length;
  const bottom = height - AXIS - LANE - GAP;
  const plot = bottom - 6;
  const slot = (width - LEFT) / Math.max(1, buckets);
  const gap = slot > 4 ? 1 : 0;
  const sums = volume.times.map((_, bucket) => series.reduce((sum, { counts }) => sum + (counts[bucket] ?? 0), 0));
  const { top, step } = roundScale(Math.max(0, ...sums));

  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let value = 0; value <= top; value += step) {
    const y = Math.round(bottom - (value / top) * plot) + 0.5;
    context.fillStyle = colour("--border", "#888");
    context.fillRect(LEFT, y, width - LEFT, 0.5);
    context.fillStyle = colour("--text3", "#888");
    if (value > 0 || top > 0) context.fillText(short(value), LEFT - 6, y);
  }
  const severe = series.filter(({ level }) => isSevere(level));
  const errors = volume.times.map((_, bucket) => severe.reduce((sum, { counts }) => sum + (counts[bucket] ?? 0), 0));
  const most = Math.max(0, ...errors);
  const laneTop = bottom + GAP;
  context.fillStyle = colour("--bg1", "#8882");
  context.fillRect(LEFT, laneTop, width - LEFT, LANE);
  const fills = new Map(series.map(({ level }) => [level, fillOf(context, level, colour)]));
  for (let bucket = 0; bucket < buckets; bucket++) {
    const x = LEFT + bucket * slot;
    let below = 0;
    for (const { level, counts } of series) {
      const lines = counts[bucket] ?? 0;
      if (lines === 0) continue;
      const y0 = bottom - (below / top) * plot;
      below += lines;
      const y1 = bottom - (below / top) * plot;
      context.fillStyle = fills.get(level) ?? "#888";
      context.fillRect(x, y1, slot - gap, Math.max(y0 - y1, below === lines ? 1 : 0.5));
    }
    const worst = errors[bucket] ?? 0;
    if (worst > 0) {
      const tall = Math.max(3, (worst / most) * LANE); // one error among thousands must still be seen
      const critical = severe.some(({ level, counts }) => level === "critical" && (counts[bucket] ?? 0) > 0);
      context.fillStyle = colour(critical ? "--fill-critical" : "--fill-error", "#e5484d");
      context.fillRect(x, laneTop + LANE - tall, Math.max(2, slot - gap), tall);
    }
  }
  marks(context, volume, zone, width, height, slot, colour);
  const brushed = brush ? [Math.min(brush.from, brush.to), Math.max(brush.from, brush.to)] : null;
  if (brushed) {
    const [first = 0, last = 0] = brushed;
    context.globalAlpha = 0.25;
    context.fillStyle = colour("--accent", "#6cb6ff");
    context.fillRect(LEFT + first * slot, 0, (last - first + 1) * slot, height - AXIS);
    context.globalAlpha = 1;
  } else if (cursor !== null) {
    context.strokeStyle = colour("--accent", "#6cb6ff");
    context.strokeRect(LEFT + cursor * slot - 0.5, 2.5, Math.max(2, slot), height - AXIS - 3);
  }
}

// Trace and unknown are both grey; stripes tell them apart.
function fillOf(
  context: CanvasRenderingContext2D,
  level: Level,
  colour: (name: string, fallback: string) => string,
): CanvasPattern | string {
  const grey = colour("--fill-trace", "#888");
  return level === "unknown" ? hatched(context, grey) : colour(`--fill-${level}`, grey);
}

function marks(
  context: CanvasRenderingContext2D,
  volume: VolumeAnswer,
  zone: string,
  width: number,
  height: number,
  slot: number,
  colour: (name: string, fallback: string) => string,
): void {
  const first = Date.parse(volume.times[0] ?? volume.start);
  const wide = stepOf(volume);
  const span = wide * volume.times.length;
  if (!(span > 0)) return;
  context.textAlign = "center";
  context.fillStyle = colour("--text3", "#888");
  for (const { at, text } of timeTicks(first, first + span, Math.max(2, Math.floor(width / 90)), zone)) {
    const x = LEFT + ((at - first) / wide) * slot;
    if (x > LEFT + 16 && x < width - 16) context.fillText(text, x, height - AXIS / 2 + 1);
  }
}

/** Milliseconds of a bucket. */
function stepOf({ times, start, end }: VolumeAnswer): number {
  const [first, second] = times;
  if (first !== undefined && second !== undefined) return Date.parse(second) - Date.parse(first);
  return Date.parse(end) - Date.parse(start);
}

/** The range of buckets, cut to the range asked for, as the outer buckets reach beyond it. */
function bucketRange(volume: VolumeAnswer, first: number, last: number): TimeRange | null {
  const from = volume.times[first];
  const to = volume.times[last + 1] ?? volume.end;
  if (from === undefined) return null;
  const start = parseInstant(volume.start) ?? 0n;
  return { from: (parseInstant(from) ?? 0n) < start ? volume.start : from, to };
}

function whenOf(volume: VolumeAnswer, bucket: number, zone: string): string {
  const begin = parseInstant(volume.times[bucket] ?? volume.start) ?? 0n;
  const step = stepOf(volume);
  const digits = step < 1000 ? 3 : 0;
  const clock = clockOf(zone);
  const from = formatInstant(begin, clock, digits);
  const to = formatInstant(begin + BigInt(Math.round(step)) * MILLISECOND, clock, digits);
  return `${from} – ${to.slice(0, 10) === from.slice(0, 10) ? to.slice(11) : to}`;
}

function label(volume: VolumeAnswer, bars: readonly LevelBars[], cursor: number | null, zone: string): string {
  const spoken = bars
    .map(({ level, counts, total }) => ({ level, lines: cursor === null ? total : (counts[cursor] ?? 0) }))
    .filter(({ lines }) => lines > 0)
    .map(({ level, lines }) => `${level} ${count(lines)}`)
    .join(", ");
  if (cursor !== null) return `${whenOf(volume, cursor, zone)}: ${spoken || "no lines"}`;
  return `Volume: ${count(volume.total)} lines; ${spoken || "none"}. Arrow keys move, Enter zooms.`;
}

function chosen(bars: readonly LevelBars[], levels: readonly Level[]): readonly LevelBars[] {
  return levels.length === 0 ? bars : bars.filter(({ level }) => levels.includes(level));
}
