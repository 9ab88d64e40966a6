import { useEffect, useState } from "preact/hooks";
import type { Refusal } from "../api";
import { dateTime, duration } from "../format";
import { type Page, usePage } from "../page";
import * as time from "../time";

const QUICK = 150;
const LONG = 2000;

/** Nothing for what is quick; then a thin bar, and after 2 s the time and a way out. */
export function Progress() {
  const { store, search } = usePage();
  const { phase, startedAt } = store.run.value;
  const [waited, setWaited] = useState(0);
  useEffect(() => {
    setWaited(0);
    if (phase !== "loading") return;
    const timer = setInterval(() => setWaited(Date.now() - startedAt), QUICK);
    return () => clearInterval(timer);
  }, [phase, startedAt]);
  if (phase !== "loading" || waited < QUICK) return null;
  return (
    <div class="progress" role="status">
      <div class="progress-bar" />
      {waited >= LONG && (
        <div class="notice">
          Running for {duration(waited)}{" "}
          <button type="button" class="button" onClick={() => search.cancel()}>
            Cancel
          </button>
        </div>
      )}
    </div>
  );
}

/** What went wrong, and what to do about it. */
export function Notice() {
  const page = usePage();
  const { store } = page;
  const { phase, error } = store.run.value;
  const unknown = store.unknownParameters.value;
  return (
    <div aria-live="polite">
      {store.serverDown.value && (
        <div class="notice is-error">
          The server cannot be reached; what was loaded stays. <Retry page={page} />
        </div>
      )}
      {phase === "failed" && error && error.status > 0 && error.status !== 401 && !error.answer.position && (
        <div class="notice is-error">
          <Failure error={error} page={page} />
        </div>
      )}
      {unknown.length > 0 && (
        <div class="notice">
          This address has parameters that mean nothing here: {unknown.join(", ")}.{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              store.unknownParameters.value = [];
              store.go({}, "replace");
            }}
          >
            Remove them
          </button>
        </div>
      )}
    </div>
  );
}

function Retry({ page }: { page: Page }) {
  return (
    <button type="button" class="button" onClick={() => page.refresh()}>
      Retry
    </button>
  );
}

function Failure({ error, page }: { error: Refusal; page: Page }) {
  const { hint, limit } = error.answer;
  const tooMuch = error.status === 504 || limit !== undefined;
  return (
    <>
      <span>
        {error.message}
        {hint && !error.message.includes(hint) && ` (${hint})`}
      </span>
      {error.status === 429 && <Countdown seconds={error.retryAfter ?? 5} page={page} />}
      {tooMuch && (
        <>
          <button type="button" class="button" onClick={() => page.setRange(shorter(page))}>
            Half the range
          </button>
          <button type="button" class="button" onClick={() => page.focusQuery()}>
            Narrow the query
          </button>
        </>
      )}
      {error.status !== 400 && error.status !== 429 && <Retry page={page} />}
    </>
  );
}

function shorter(page: Page): { from: string; to: string } {
  const { start, end } = page.rangeNow();
  const [from, to] = [Date.parse(start ?? ""), Date.parse(end ?? "")];
  return { from: new Date(from + (to - from) / 2).toISOString(), to: page.range.to };
}

function Countdown({ seconds, page }: { seconds: number; page: Page }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const timer = setInterval(() => setLeft((before) => before - 1), 1000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (left <= 0) page.refresh();
  }, [left, page]);
  return <span>Trying again in {Math.max(0, left)} s.</span>;
}

/** An answer without lines: where there might be some. */
export function Nothing() {
  const page = usePage();
  const { store } = page;
  const { phase, query, start, end } = store.run.value;
  if (store.rows.value.length || phase === "idle" || phase === "loading") return null;
  if (store.isLive.value) {
    return (
      <div class="nothing" role="status">
        <h2>Waiting for lines</h2>
        <p>New lines that match appear here.</p>
      </div>
    );
  }
  if (phase === "failed" && !query) return <NothingYet />;
  const { zone, levels } = store.place.value;
  const elsewhere = store.elsewhere.value;
  return (
    <div class="nothing" role="status">
      <h2>No line matches</h2>
      <p>
        between {dateTime(start, zone, "s")} and {dateTime(end, zone, "s")} ({time.describeRange(page.range, zone)})
        {levels.length > 0 && `, with ${levels.join(" or ")} only`}.
      </p>
      {elsewhere && (
        <p>
          The newest that matches is of {dateTime(elsewhere, zone, "s")}.{" "}
          <button type="button" class="button" onClick={() => page.setRange(around(elsewhere))}>
            Go there
          </button>
        </p>
      )}
      <p class="nothing-actions">
        <button type="button" class="button" onClick={() => page.setRange({ from: "now-24h", to: "now" })}>
          Widen to 24 h
        </button>
        <button type="button" class="button" onClick={() => page.setRange({ from: "now-7d", to: "now" })}>
          Widen to 7 d
        </button>
        {levels.length > 0 && (
          <button type="button" class="button" onClick={() => page.allLevels()}>
            All levels
          </button>
        )}
        {selectorOnly(query) !== query.trim() && (
          <button type="button" class="button" onClick={() => page.setQuery(selectorOnly(query))}>
            Without filters
          </button>
        )}
        {query.trim() !== "{}" && (
          <button type="button" class="button" onClick={() => page.setQuery("{}")}>
            Search everything
          </button>
        )}
      </p>
    </div>
  );
}

// The very first run was refused: there is no query before it whose lines could stay.
function NothingYet() {
  const page = usePage();
  const { error } = page.store.run.value;
  if (!error || error.status === 401) return null;
  return (
    <div class="nothing" role="status">
      <h2>This query did not run</h2>
      <p>{error.answer.position ? "What is wrong with it is marked in its text." : "What went wrong stands above."}</p>
      <p class="nothing-actions">
        <button type="button" class="button" onClick={() => page.focusQuery()}>
          Edit the query
        </button>
        <button type="button" class="button" onClick={() => page.setQuery("{}")}>
          Search everything
        </button>
      </p>
    </div>
  );
}

const HALF_HOUR = 1_800_000;

function around(timestamp: string): { from: string; to: string } {
  const at = Date.parse(timestamp);
  return { from: new Date(at - HALF_HOUR).toISOString(), to: new Date(at + 1000).toISOString() };
}

function selectorOnly(query: string): string {
  return /^\s*(\{(?:[^"`}]|"(?:[^"\\]|\\.)*"|`[^`]*`)*\})/.exec(query)?.[1] ?? query.trim();
}
