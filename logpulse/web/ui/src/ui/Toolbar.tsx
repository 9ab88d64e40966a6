import { useCallback } from "preact/hooks";
import { routeUrl } from "../api";
import { totalOf } from "../chart/levels";
import { ExportMenu } from "../ExportMenu";
import { compact, count, type Precision, plural } from "../format";
import { usePage } from "../page";
import type { TailState } from "../tailstate";
import type { Entry } from "../types";
import { Menu } from "./Menu";

const NEXT_PRECISION: Readonly<Record<Precision, Precision>> = { s: "ms", ms: "ns", ns: "s" };

/** How many lines there are, and how they are shown. */
export function Toolbar() {
  const page = usePage();
  const { store } = page;
  const { direction, wrap, precision } = store.place.value;
  return (
    <div class="toolbar">
      {store.isLive.value ? <TailChip /> : <Found />}
      <span class="spacer" />
      <div class="toolbar-buttons">
        <button type="button" class="button" onClick={() => page.toggleDirection()}>
          {direction === "backward" ? "Newest first" : "Oldest first"}
        </button>
        <button type="button" class="button" aria-pressed={wrap} onClick={() => page.look({ wrap: !wrap })}>
          Wrap
        </button>
        <button type="button" class="button" onClick={() => page.look({ precision: NEXT_PRECISION[precision] })}>
          Time {precision}
        </button>
        <ColumnsMenu />
        <Export />
        <button type="button" class="button" onClick={() => void page.copy(page.link(), "link copied")}>
          Copy link
        </button>
      </div>
    </div>
  );
}

function Found() {
  const { store } = usePage();
  const { run, volume, place, rows } = store;
  const { next, phase, query, more } = run.value;
  if (phase === "idle" || (phase !== "ready" && !query)) return <span class="found" />;
  const shown = rows.value.length;
  const { levels, direction } = place.value;
  const answer = volume.value.state === "ready" ? volume.value.answer : null;
  const total = answer ? totalOf(answer, levels) : null;
  const all = total ?? shown;
  return (
    <span class="found" role="status">
      <b>
        {count(Math.max(all, shown))}
        {total === null && next ? "+" : ""} {all === 1 ? "line" : "lines"}
      </b>
      {next && (
        <span class="found-part">
          {" "}
          showing {direction === "backward" ? "newest" : "oldest"} {count(shown)}
          {more === "loading" && " · loading more …"}
        </span>
      )}
      {phase === "failed" && <span class="found-part"> of the query before</span>}
      {levels.length > 0 && <span class="found-part"> only {levels.join(", ")}</span>}
    </span>
  );
}

function TailChip() {
  const page = usePage();
  const { store, live } = page;
  const tail = store.tail.value;
  const { text, tone } = chip(tail, store.tailRate.value);
  const running = tail.phase !== "stopped";
  return (
    <span class="tail">
      <button
        type="button"
        class={`chip is-${tone}`}
        onClick={() => (tail.paused ? page.resume() : tail.phase === "reconnecting" ? live.retry() : live.toggle())}
        disabled={!running}
      >
        <span class="dot" aria-hidden="true" />
        {text}
      </button>
      {tail.lost > 0 && (
        <span class="tail-lost" role="status">
          Dropped {tail.lostAtLeast ? "at least " : ""}
          {count(tail.lost)} (too fast) – narrow the query
        </span>
      )}
      <span class="found-part">{plural(store.rows.value.length, "line")}</span>
      {running && (
        <button type="button" class="button" onClick={() => (tail.paused ? page.resume() : live.pause())}>
          {tail.paused ? "Resume" : "Pause"}
        </button>
      )}
      <button type="button" class="button" onClick={() => live.clear()}>
        Clear
      </button>
      {!running && (
        <button
          type="button"
          class="button"
          onClick={() => {
            page.endTail();
            page.refresh();
          }}
        >
          Back to search
        </button>
      )}
    </span>
  );
}

function chip(tail: TailState, rate: number): { text: string; tone: string } {
  if (tail.paused && tail.phase !== "stopped") return { text: `Paused · ${count(tail.waiting)} new ↓`, tone: "paused" };
  switch (tail.phase) {
    case "connecting":
      return { text: "Connecting …", tone: "busy" };
    case "live":
      return { text: `Live · ${compact(Math.round(rate))} l/s`, tone: "live" };
    case "polling":
      return { text: "Live by polling every 2 s: no WebSocket comes through", tone: "paused" };
    case "reconnecting":
      return {
        text: `Reconnecting in ${Math.max(1, Math.round(tail.retryIn / 1000))} s${tail.reason ? `: ${tail.reason}` : ""}`,
        tone: "busy",
      };
    default:
      return { text: tail.reason ? `Stopped: ${tail.reason}` : "Stopped", tone: "stopped" };
  }
}

function ColumnsMenu() {
  const page = usePage();
  const { store } = page;
  const chosen = store.place.value.columns;
  return (
    <Menu label={chosen.length ? `Columns ${chosen.length}` : "Columns"} class="button columns-button">
      {() => (
        <div class="menu-list">
          {columnNames(page.store, chosen).map((name) => (
            <button
              type="button"
              key={name}
              class="menu-item"
              aria-pressed={chosen.includes(name)}
              onClick={() => page.toggleColumn(name)}
            >
              {name}
            </button>
          ))}
        </div>
      )}
    </Menu>
  );
}

const SAMPLED = 200;
const NAMES_AT_MOST = 60;

function columnNames(store: ReturnType<typeof usePage>["store"], chosen: readonly string[]): string[] {
  const names = new Set(chosen);
  const rows = store.rows.value;
  for (let index = 0; index < Math.min(rows.length, SAMPLED); index++) {
    const entry = rows.at(index)?.entry;
    if (entry) for (const name of [...Object.keys(entry.labels), ...Object.keys(entry.metadata)]) names.add(name);
  }
  for (const { name } of store.fields.value.answer?.fields ?? []) names.add(name);
  return [...names].slice(0, NAMES_AT_MOST);
}

function Export() {
  const page = usePage();
  const { store } = page;
  const { state, answer } = store.volume.value;
  const { query } = store.run.value;
  const { direction } = store.place.value;
  const gather = useCallback(() => {
    const rows = store.rows.peek();
    const entries: Entry[] = [];
    for (let index = 0; index < rows.length; index++) {
      const entry = rows.at(index)?.entry;
      if (entry) entries.push(entry);
    }
    return entries;
  }, [store]);
  return (
    <ExportMenu
      gather={gather}
      total={state === "ready" && !store.isLive.value ? (answer?.total ?? null) : null}
      link={(format) => routeUrl("export", { query, ...page.rangeShown(), direction, format }).href}
    />
  );
}
