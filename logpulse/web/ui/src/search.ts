// Running queries: the entries first, then volume and fields, each of which may fail alone; pages; what an empty answer means.

import { type Api, asRefusal, isAbort, isSeries, type QueryRequest, Refusal } from "./api";
import { toRfc3339 } from "./instant";
import type { Run as PastRun } from "./past/searches";
import { Ring } from "./ring";
import { type Part, SEARCH_ROWS, type Store } from "./state";
import * as time from "./time";
import type { Entry, LogsAnswer, QueryStats } from "./types";
import { readSelected } from "./url";

const BUCKETS = 100;
const FIELDS = 1000;
const TOP_VALUES = 10;

/** Milliseconds that rows have for themselves, until volume and fields are asked for beside them. */
const ROWS_FIRST = 150;

/** Milliseconds after which whoever waits for the first answer waits no more. */
const FIRST_ANSWER_WITHIN = 400;

/** With levels chosen, pages are larger and more than one is asked for, until so many rows can be seen. */
const SEEN_AT_LEAST = 200;
const PAGES_AT_MOST = 5;
const LARGE_PAGE = 5000;

/** Fetches for a store; one run at a time, a newer one ends the one before. */
export class Search {
  private running = new AbortController();
  private answered = () => {};

  /** Comes true with the first answer, or when that takes long: until then what can wait leaves the machine to it. */
  readonly firstAnswer = new Promise<void>((resolve) => {
    this.answered = resolve;
    setTimeout(resolve, FIRST_ANSWER_WITHIN);
  });

  constructor(
    private readonly store: Store,
    private readonly api: Api,
    private readonly remember: (run: PastRun) => void,
  ) {}

  /** Ends what runs, as Cancel does. */
  cancel(): void {
    this.running.abort();
    const { run } = this.store;
    if (run.value.phase === "loading") run.value = { ...run.value, phase: run.value.query ? "ready" : "idle" };
  }

  /** Runs the query of the place. Relative times are resolved anew. */
  async run(): Promise<void> {
    const { store } = this;
    this.running.abort();
    this.running = new AbortController();
    const { signal } = this.running;
    const startedAt = Date.now();
    const request = this.request(startedAt);
    if (request instanceof Refusal) {
      store.run.value = { ...store.run.value, phase: "failed", error: request };
      return;
    }
    const before = store.run.value;
    store.run.value = { ...before, phase: "loading", startedAt, more: "idle" };
    store.elsewhere.value = null;
    const logs = request.query.trimStart().startsWith("{");
    // Asked for at once, they would hold up the rows; behind a slow query they need not wait for it.
    const surroundings = once(() => this.surroundings(request, signal));
    const timer = logs ? setTimeout(surroundings, ROWS_FIRST) : undefined;
    try {
      const answer = await this.api.query(request, signal).finally(() => clearTimeout(timer));
      store.serverDown.value = false;
      const common = {
        phase: "ready" as const,
        query: request.query,
        start: request.start ?? "",
        end: request.end ?? "",
        startedAt,
        error: null,
        more: "idle" as const,
        stats: answer.stats,
      };
      const ring = new Ring(SEARCH_ROWS);
      if (isSeries(answer)) {
        store.run.value = { ...common, next: null, series: answer };
        store.ring.value = ring;
        store.volume.value = { answer: null, state: "absent" };
        this.note(request.query, answer.series.length, answer.stats);
        return;
      }
      const page = await this.withSelected(answer, request, signal);
      this.add(ring, page.logs);
      store.ring.value = ring;
      store.touch();
      store.run.value = { ...common, next: page.next, series: null };
      surroundings();
      this.note(request.query, ring.length, answer.stats);
      if (!ring.length) void this.explainNothing(request.query, signal);
      else store.empty.value = false;
      await this.fillLevels(signal);
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      const refusal = asRefusal(error);
      store.serverDown.value = refusal.status === 0;
      store.run.value = { ...store.run.value, phase: "failed", error: refusal };
    } finally {
      this.answered();
    }
  }

  /** Loads the page behind the last row. */
  async more(): Promise<void> {
    const { store } = this;
    const { next, more, phase, query, start, end } = store.run.value;
    if (!next || more === "loading" || phase === "loading" || store.isLive.value) return;
    const { signal } = this.running;
    store.run.value = { ...store.run.value, more: "loading" };
    try {
      const { direction } = store.place.value;
      const answer = await this.api.entries(
        { query, start, end, direction, limit: this.limit(), cursor: next },
        signal,
      );
      this.add(store.ring.value, answer.logs);
      store.touch();
      const full = store.ring.value.length >= SEARCH_ROWS;
      store.run.value = { ...store.run.value, more: "idle", next: full ? null : answer.next, stats: answer.stats };
    } catch (error) {
      if (!isAbort(error)) store.run.value = { ...store.run.value, more: "failed" };
    }
  }

  /** More pages until enough rows of the chosen levels are loaded. */
  async fillLevels(signal = this.running.signal): Promise<void> {
    const { store } = this;
    if (!store.place.value.levels.length) return;
    for (let pages = 0; pages < PAGES_AT_MOST && store.rows.value.length < SEEN_AT_LEAST; pages++) {
      if (signal.aborted || !store.run.value.next) return;
      await this.more();
    }
  }

  /** Asks for the volume again, after it failed alone. */
  retryVolume(): void {
    const { query, start, end } = this.store.run.value;
    void this.part(
      this.store.volume,
      (signal) => this.api.volume({ query, start, end, buckets: BUCKETS }, signal),
      this.running.signal,
    );
  }

  private note(query: string, count: number, stats: QueryStats): void {
    const { from, to } = this.store.place.value;
    this.remember({ query, range: { from, to }, at: Date.now(), count, milliseconds: stats.executionTime });
  }

  private limit(): number {
    const { levels, limit } = this.store.place.value;
    return levels.length ? LARGE_PAGE : limit;
  }

  private request(now: number): (QueryRequest & { query: string }) | Refusal {
    const { query, from, to, direction } = this.store.place.value;
    const [start, end] = [time.resolveTime(from, now), time.resolveTime(to, now)];
    if (start === null || end === null) {
      const wrong = start === null ? from : to;
      return new Refusal(400, { error: `“${wrong}” is not a time`, hint: "choose one in the time picker (t)" }, null);
    }
    return { query: query.trim() || "{}", start, end, direction, limit: this.limit() };
  }

  // A permalink's line may lie behind the first page: then the page that begins with it is shown.
  private async withSelected(answer: LogsAnswer, request: QueryRequest, signal: AbortSignal): Promise<LogsAnswer> {
    const wanted = readSelected(this.store.place.value.selected);
    if (!wanted) return answer;
    let page = answer;
    let entry = page.logs.find(({ id }) => id === wanted.id);
    if (!entry && page.next) {
      const border =
        request.direction === "forward" ? { start: toRfc3339(wanted.at) } : { end: toRfc3339(wanted.at + 1n) };
      page = await this.api.entries({ ...request, ...border }, signal);
      entry = page.logs.find(({ id }) => id === wanted.id);
    }
    if (!entry) return answer;
    this.store.selected.value = entry;
    this.store.detailsOpen.value = true;
    return page;
  }

  private add(ring: Ring, entries: readonly Entry[]): void {
    if (this.store.place.value.direction === "backward") ring.unshift([...entries].reverse());
    else ring.push(entries);
  }

  private surroundings({ query, start, end }: QueryRequest, signal: AbortSignal): void {
    const { volume } = this.store;
    void this.part(volume, (until) => this.api.volume({ query, start, end, buckets: BUCKETS }, until), signal);
    this.countFields({ query, start, end }, signal);
  }

  /** Counts the values of labels and fields, of a search or for a tail. */
  countFields({ query, start, end }: QueryRequest, signal = this.running.signal): void {
    const request = { query, start, end, limit: FIELDS, values: TOP_VALUES };
    void this.part(this.store.fields, (until) => this.api.fields(request, until), signal);
  }

  private async part<T>(
    into: { value: Part<T> },
    ask: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<void> {
    const before = into.value;
    into.value = { ...before, state: "loading" };
    try {
      const answer = await ask(signal);
      if (!signal.aborted) into.value = { answer, state: "ready" };
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      // A malformed query: what belongs to the lines of the query before stays, as they do.
      if (asRefusal(error).status !== 400) into.value = { answer: null, state: "failed" };
      else into.value = { answer: before.answer, state: before.answer ? "ready" : "absent" };
    }
  }

  private async explainNothing(query: string, signal: AbortSignal): Promise<void> {
    try {
      const { logs } = await this.api.entries({ query, limit: 1 }, signal);
      this.store.elsewhere.value = logs[0]?.timestamp ?? null;
      if (logs.length) return;
      const any = await this.api.entries({ query: "{}", limit: 1 }, signal);
      this.store.empty.value = any.logs.length === 0;
    } catch {
      // Only a hint: without it the page says what it knows.
    }
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}
