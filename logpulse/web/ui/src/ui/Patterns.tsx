import { effect } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { totalOf } from "../chart/levels";
import { count, plural } from "../format";
import { levelWord } from "../levels";
import * as build from "../logql/build";
import { type Page, usePage } from "../page";
import { patternsOf, ROWS_COMPARED } from "../patterns";
import type { Rows } from "../ring";

/** Milliseconds between two looks at a tail, whose lines change with each frame. */
const LIVE_EVERY = 2000;

/** The loaded lines by their shape: what is frequent, and what is rare. */
export function Patterns() {
  const page = usePage();
  const { store } = page;
  const rows = useRows(page);
  const patterns = useMemo(() => patternsOf(rows), [rows]);
  const most = patterns[0]?.count ?? 1;
  const narrow = (operator: "|>" | "!>", filter: string) =>
    page.setQuery(build.addPattern(store.place.value.query, operator, filter));
  return (
    <div class="patterns-page">
      <h1>Patterns</h1>
      <p class="quiet">
        {compared(page, rows)} <code>{store.run.value.query}</code>, the most frequent first.
      </p>
      {patterns.length === 0 && store.run.value.phase !== "loading" && (
        <p>
          No line is loaded.{" "}
          <button type="button" class="button" onClick={() => page.show("search")}>
            Back to search
          </button>
        </p>
      )}
      <ol class="patterns">
        {patterns.map(({ text, count: found, level, example, filter }) => (
          <li key={text} class={`pattern level-${level}`}>
            <span class="pattern-count">{count(found)}</span>
            <progress class="pattern-bar" max={most} value={found} aria-hidden="true" />
            <span class="row-level">{levelWord(level)}</span>
            <span class="pattern-text" title={example}>
              {text}
            </span>
            {filter && (
              <span class="pattern-tools">
                <button type="button" class="button" onClick={() => narrow("|>", filter)}>
                  Only these
                </button>
                <button type="button" class="button" onClick={() => narrow("!>", filter)}>
                  Without these
                </button>
              </span>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}

function useRows({ store }: Page): Rows {
  const [rows, setRows] = useState<Rows>(() => store.rows.peek());
  const live = store.isLive.value;
  useEffect(() => {
    if (!live) return effect(() => setRows(store.rows.value));
    const timer = setInterval(() => setRows(store.rows.peek()), LIVE_EVERY);
    return () => clearInterval(timer);
  }, [live, store]);
  return rows;
}

/** "Shapes of the newest 1,000 of 99,535 lines of": these are the loaded ones, never all that match. */
function compared({ store }: Page, rows: Rows): string {
  const { direction, levels } = store.place.value;
  const { state, answer } = store.volume.value;
  const lines = Math.min(rows.length, ROWS_COMPARED);
  const total = store.isLive.value || state !== "ready" || !answer ? rows.length : totalOf(answer, levels);
  if (lines >= total) return `Shapes of the ${plural(lines, "line")} of`;
  return `Shapes of the ${direction === "backward" ? "newest" : "oldest"} ${count(lines)} of ${plural(total, "line")} of`;
}
