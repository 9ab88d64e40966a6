import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { stripAnsi, visible } from "../ansi";
import { asRefusal, isAbort } from "../api";
import { clock } from "../format";
import { parseInstant, toRfc3339 } from "../instant";
import { levelOf, levelWord } from "../levels";
import * as build from "../logql/build";
import { type Page, usePage } from "../page";
import type { ContextAnswer, Entry } from "../types";
import { Dialog } from "./Dialog";

const FIRST = 10;
const MORE = 50;
const LINE_CAP = 4096;

/** Around a line: its very stream, or everything that bears the name of its service. */
type Scope = "stream" | "app";

interface Around extends ContextAnswer {
  state: "loading" | "ready" | "failed";
  error: string;
}

const LOADING: Around = { entries: [], found: false, earlier: false, later: false, state: "loading", error: "" };

/** What was logged before and after a line, whatever the query leaves out. */
export function Context({ anchor }: { anchor: Entry }) {
  const page = usePage();
  const [scope, setScope] = useState<Scope>("stream");
  const [around, setAround] = useState<Around>(LOADING);
  const abort = useMemo(() => new AbortController(), []);
  const list = useRef<HTMLDivElement>(null);
  const [stored, setStored] = useState<Entry | null>(null);
  useEffect(() => () => abort.abort(), [abort]);
  useEffect(() => {
    setAround(LOADING);
    void begin(page, anchor, scope, abort.signal).then(
      ({ entry, answer }) => {
        setStored(entry);
        setAround({ ...answer, state: "ready", error: "" });
      },
      (error: unknown) => {
        if (!isAbort(error)) setAround({ ...LOADING, state: "failed", error: asRefusal(error).message });
      },
    );
  }, [anchor, scope, page, abort]);
  useLayoutEffect(() => {
    list.current?.querySelector(".is-anchor")?.scrollIntoView({ block: "center" });
    list.current?.focus({ preventScroll: true });
  }, [scope, around.state]);
  const go = (side: "before" | "after") => {
    const from = side === "before" ? around.entries[0] : around.entries[around.entries.length - 1];
    if (!from || !stored) return;
    const height = list.current?.scrollHeight ?? 0;
    const ask = side === "before" ? { before: MORE, after: 0 } : { before: 0, after: MORE };
    void neighbours(page, from, labelsOf(stored, scope), scope, ask, abort.signal).then(
      (answer) => {
        const known = new Set(around.entries.map(({ id }) => id));
        const fresh = answer.entries.filter(({ id }) => !known.has(id));
        const entries = side === "before" ? [...fresh, ...around.entries] : [...around.entries, ...fresh];
        setAround({
          ...around,
          entries,
          ...(side === "before"
            ? { earlier: answer.earlier && fresh.length > 0 }
            : { later: answer.later && fresh.length > 0 }),
        });
        // What was on the screen stays where it was.
        if (side === "before") {
          requestAnimationFrame(() => {
            if (list.current) list.current.scrollTop += list.current.scrollHeight - height;
          });
        }
      },
      () => page.store.say("could not load more"),
    );
  };
  const app = stored ? appOf(stored) : null;
  return (
    <Dialog title="Context" size="wide" onClose={() => page.closeContext()}>
      <div class="context-bar">
        <code class="context-stream">{stored ? visible(build.selectorOf(labelsOf(stored, scope))) : ""}</code>
        {app && (
          <fieldset class="segments" aria-label="Lines of">
            <button type="button" aria-pressed={scope === "stream"} onClick={() => setScope("stream")}>
              Same stream
            </button>
            <button type="button" aria-pressed={scope === "app"} onClick={() => setScope("app")}>
              Same {app}
            </button>
          </fieldset>
        )}
      </div>
      <section
        class="context-lines"
        ref={list}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        tabIndex={0}
        aria-label="Lines around"
        aria-busy={around.state === "loading"}
      >
        {around.state === "failed" && <p class="notice">{around.error}</p>}
        {around.state === "ready" && !around.found && (
          <p class="notice">This line is not stored any more; these stood around it.</p>
        )}
        {around.earlier && (
          <button type="button" class="context-more" onClick={() => go("before")}>
            load {MORE} more before
          </button>
        )}
        {around.entries.map((entry) => (
          <Line key={entry.id} entry={entry} isAnchor={entry.id === anchor.id} />
        ))}
        {around.later && (
          <button type="button" class="context-more" onClick={() => go("after")}>
            load {MORE} more after
          </button>
        )}
      </section>
    </Dialog>
  );
}

function Line({ entry, isAnchor }: { entry: Entry; isAnchor: boolean }) {
  const { zone } = usePage().store.place.value;
  const level = levelOf(entry.level);
  return (
    <div
      class={`context-line level-${level}${isAnchor ? " is-anchor" : ""}`}
      aria-current={isAnchor ? "true" : undefined}
    >
      <span class="row-time" title={entry.timestamp}>
        {clock(entry.timestamp, zone, "ms")}
      </span>
      <span class="row-level">{levelWord(level)}</span>
      <span class="row-text">{visible(stripAnsi(entry.message.slice(0, LINE_CAP)))}</span>
    </div>
  );
}

async function begin(
  page: Page,
  anchor: Entry,
  scope: Scope,
  signal: AbortSignal,
): Promise<{ entry: Entry; answer: ContextAnswer }> {
  // A query's pipeline may have changed labels and line; the neighbours are those of what is stored.
  const answer = await page.api.context(anchor.id, FIRST, FIRST, signal);
  const entry = answer.entries.find(({ id }) => id === anchor.id) ?? anchor;
  if (scope === "stream") return { entry, answer };
  const wanted = { before: FIRST, after: FIRST };
  return { entry, answer: await byQueries(page, entry, build.selectorOf(labelsOf(entry, scope)), wanted, signal) };
}

function neighbours(
  page: Page,
  from: Entry,
  labels: Readonly<Record<string, string>>,
  scope: Scope,
  wanted: { before: number; after: number },
  signal: AbortSignal,
): Promise<ContextAnswer> {
  return scope === "stream"
    ? page.api.context(from.id, wanted.before, wanted.after, signal)
    : byQueries(page, from, build.selectorOf(labels), wanted, signal);
}

// Two queries from the line outwards; lines of its very nanosecond count as earlier.
async function byQueries(
  page: Page,
  from: Entry,
  query: string,
  wanted: { before: number; after: number },
  signal: AbortSignal,
): Promise<ContextAnswer> {
  const behind = toRfc3339((parseInstant(from.timestamp) ?? 0n) + 1n);
  const none = Promise.resolve({ logs: [], next: null });
  const [before, after] = await Promise.all([
    wanted.before
      ? page.api.entries({ query, end: behind, limit: wanted.before + 1, direction: "backward" }, signal)
      : none,
    wanted.after ? page.api.entries({ query, start: behind, limit: wanted.after, direction: "forward" }, signal) : none,
  ]);
  const earlier: Entry[] = [...before.logs].reverse();
  if (!earlier.some(({ id }) => id === from.id)) earlier.push(from);
  return {
    entries: [...earlier, ...after.logs],
    found: true,
    earlier: before.next !== null,
    later: after.next !== null,
  };
}

const APP_LABELS = ["app", "service", "service_name", "job", "container"];

function appOf(entry: Entry): string | null {
  return APP_LABELS.find((name) => name in entry.labels) ?? null;
}

function labelsOf(entry: Entry, scope: Scope): Record<string, string> {
  const app = appOf(entry);
  return scope === "app" && app ? { [app]: entry.labels[app] ?? "" } : entry.labels;
}
