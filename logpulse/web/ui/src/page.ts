// The page as one object: the store, who fills it, and what a reader can do. Components get it by context.

import { effect } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { stripAnsi } from "./ansi";
import { Api, asRefusal } from "./api";
import { writeClipboard } from "./clipboard";
import { source } from "./completion";
import { Finder } from "./finder";
import type { Level } from "./levels";
import { Live } from "./live";
import type { ListPlace, LogList } from "./loglist";
import * as build from "./logql/build";
import { type History, storeHistory, withRun } from "./past/searches";
import { indexOfEntry, type Row } from "./ring";
import { Search } from "./search";
import type { CompletionSource, FieldKind, TimeRange } from "./slots";
import { Store } from "./state";
import { isWanted } from "./tailstate";
import * as time from "./time";
import type { Entry } from "./types";
import { isSameSearch, type Place, readSelected, writePlace, writeSelected } from "./url";

const EMPTY_POLL = 1500;
const HEALTH_POLL = 10_000;

/** In localStorage while the server wants a key: only that, never the key. */
const KEY_NEEDED = "logpulse.needs-key";

/** Everything that a click or a key does. */
export class Page {
  readonly store = new Store();
  readonly finder = new Finder();
  readonly api = new Api(() => {
    this.store.loginWanted.value = true;
  });
  readonly search = new Search(this.store, this.api, (run) => this.keepHistory(withRun(this.store.past.value, run)));
  readonly live = new Live(this.store, this.api);
  readonly completion: CompletionSource = source(this.api, () => this.rangeNow());

  list: LogList | null = null;
  /** Where the reader was in the list, while another view is shown. */
  listPlace: ListPlace | undefined;
  focusQuery: () => void = () => {};
  openTime: () => void = () => {};

  /** Begins: asks for the session, runs what the address says, and follows its changes. */
  start(): void {
    const { store } = this;
    addEventListener("popstate", () => this.goBack());
    const session = this.askSession();
    // A server without keys answers the first query at once; one that had them before is asked for the session first,
    // as every request would be refused.
    const begin = () => {
      if (store.loginWanted.value) return;
      this.refresh();
      void this.openLinkedContext();
    };
    if (localStorage.getItem(KEY_NEEDED) === null) begin();
    else void session.then(begin);
    this.every(HEALTH_POLL, () => this.checkHealth());
    void this.checkHealth();
    this.every(EMPTY_POLL, () => this.awaitFirst());
    effect(() => {
      const seconds = store.refresh.value;
      if (!seconds) return;
      const timer = setInterval(() => {
        if (!document.hidden && !store.isLive.value) void this.search.run();
      }, seconds * 1000);
      return () => clearInterval(timer);
    });
  }

  // Back and Forward: what is loaded stays, with its place in the list, unless another search is asked for.
  private goBack(): void {
    const { store } = this;
    const before = store.place.peek();
    store.reread();
    const after = store.place.peek();
    const selected = readSelected(after.selected);
    const rows = store.ring.peek();
    store.selected.value = (selected && rows.at(indexOfEntry(rows, selected.id))?.entry) || null;
    store.detailsOpen.value = store.selected.value !== null;
    if (isSameSearch(before, after)) void this.search.fillLevels();
    else this.refresh();
    if (after.context !== before.context) void this.openLinkedContext();
  }

  private async askSession(): Promise<void> {
    try {
      const session = await this.api.session();
      const isLate = this.store.session.value !== null; // somebody was quicker to sign in
      if (!isLate) this.store.session.value = session;
      if (session.required) localStorage.setItem(KEY_NEEDED, "1");
      else localStorage.removeItem(KEY_NEEDED);
      if (session.required && !session.signedIn && !isLate) this.store.loginWanted.value = true;
    } catch {
      // The server does not answer: the query tells that.
    }
  }

  /** Runs what the place says, as a search or as a tail. */
  refresh(): void {
    const { store, live } = this;
    const { live: wanted, query } = store.place.value;
    if (wanted) {
      live.follow(query.trim() || "{}");
      this.search.countFields({ query: query.trim() || "{}", ...this.rangeNow() });
      return;
    }
    if (store.isLive.value) this.endTail();
    void this.search.run();
  }

  /** Runs the text in the editor; a text that is no LogQL becomes a search for it. */
  run(): void {
    const { store } = this;
    const draft = store.draft.value;
    this.go({ query: draft, selected: "", view: "search" });
    store.selected.value = null;
    store.detailsOpen.value = false;
    this.refresh();
  }

  setQuery(query: string): void {
    this.store.draft.value = query;
    this.run();
  }

  setRange(range: TimeRange): void {
    this.go({ ...range, live: false, selected: "" });
    this.refresh();
  }

  keepHistory(history: History): void {
    this.store.past.value = history;
    storeHistory(localStorage, history);
  }

  /** Runs a query of the history over its own range. */
  runAgain(query: string, range: TimeRange): void {
    this.store.draft.value = query;
    this.go({ query, ...range, selected: "", view: "search" });
    this.refresh();
  }

  shift(halves: number): void {
    this.setRange(time.shiftRange(this.range, halves, Date.now()));
  }

  zoomOut(): void {
    this.setRange(time.zoomOut(this.range, Date.now()));
  }

  get range(): TimeRange {
    const { from, to } = this.store.place.value;
    return { from, to };
  }

  /** Changes how lines are shown: no step of the history, no new run. */
  look(patch: Partial<Pick<Place, "wrap" | "precision" | "zone" | "columns">>): void {
    this.store.go(patch, "replace");
  }

  toggleDirection(): void {
    const { direction } = this.store.place.value;
    this.store.go({ direction: direction === "backward" ? "forward" : "backward" }, "replace");
    // A tail has all its lines here; a search has to ask from the other end.
    if (!this.store.isLive.value) void this.search.run();
  }

  chooseLevel(level: Level, add: boolean): void {
    const { levels } = this.store.place.value;
    const has = levels.includes(level);
    let chosen: readonly Level[];
    if (add) chosen = has ? levels.filter((other) => other !== level) : [...levels, level];
    else chosen = has && levels.length === 1 ? [] : [level];
    this.go({ levels: chosen });
    void this.search.fillLevels();
  }

  allLevels(): void {
    this.go({ levels: [] });
  }

  toggleColumn(name: string): void {
    const { columns } = this.store.place.value;
    this.look({ columns: columns.includes(name) ? columns.filter((other) => other !== name) : [...columns, name] });
  }

  filterBy(how: "include" | "exclude" | "has", kind: FieldKind, name: string, value: string): void {
    const { query } = this.store.place.value;
    if (how === "include") this.setQuery(build.includeValue(query, kind, name, value));
    else if (how === "exclude") this.setQuery(build.excludeValue(query, kind, name, value));
    else this.setQuery(build.hasField(query, kind, name));
  }

  toggleLive(): void {
    const { store } = this;
    if (isWanted(store.tail.value)) {
      this.live.stop();
      store.go({ live: false }, "replace");
      return;
    }
    store.selected.value = null;
    store.detailsOpen.value = false;
    this.go({ query: store.draft.value, live: true, selected: "" });
    this.live.follow(store.place.value.query.trim() || "{}");
  }

  /** Closes a tail that was stopped, so that the search shows again. */
  endTail(): void {
    this.live.stop();
    this.live.dismiss();
  }

  resume(): void {
    this.live.resume();
    this.list?.toEdge();
  }

  select(row: Row): void {
    const { entry } = row;
    if (!entry) return;
    this.store.selected.value = entry;
    this.store.go({ selected: writeSelected(entry) }, "replace");
  }

  /** Marks in the list what the query and the find bar look for. */
  mark(): void {
    this.list?.setMarks(this.finder.marks(this.store.run.value.query));
  }

  closeFind(): void {
    this.store.findOpen.value = false;
    this.finder.close();
    this.mark();
    this.list?.focus();
  }

  /** Goes to the next match of the find bar, or the one before. */
  stepMatch(by: 1 | -1): void {
    const at = this.finder.step(by);
    if (at >= 0) this.list?.move(at);
    this.mark();
  }

  openDetails(): void {
    const { store } = this;
    if (!store.selected.value) return;
    store.detailsOpen.value = true;
    this.live.pause();
  }

  closeDetails(): void {
    this.store.detailsOpen.value = false;
    this.store.go({ selected: "" }, "replace");
    this.list?.focus();
  }

  openContext(entry: Entry): void {
    this.store.context.value = entry;
    this.live.pause();
    this.go({ context: writeSelected(entry) });
  }

  closeContext(): void {
    this.store.context.value = null;
    this.store.go({ context: "" }, "replace");
    this.list?.focus();
  }

  /** Copies rows as text: time and message each, colours left out. */
  copyRows(rows: readonly Row[]): void {
    const entries = rows.flatMap(({ entry }) => (entry ? [entry] : []));
    if (!entries.length) return;
    const text = entries.map(({ timestamp, message }) => `${timestamp} ${stripAnsi(message)}`).join("\n");
    void this.copy(text, entries.length === 1 ? "line copied" : `${entries.length} lines copied`);
  }

  async copy(text: string, said: string): Promise<void> {
    this.store.say((await writeClipboard(text)) ? said : "the browser refused to copy");
  }

  /** A link to this search, whose range moves on with time where it is a relative one. */
  link(): string {
    return this.address({});
  }

  /** A link to what is shown now, and there to one line if it is given. */
  linkToNow(entry?: Entry): string {
    const { start, end } = this.rangeShown();
    return this.address({ from: start, to: end, ...(entry && { selected: writeSelected(entry) }) });
  }

  private address(patch: Partial<Place>): string {
    return new URL(writePlace({ ...this.store.place.value, live: false, ...patch }), location.href).href;
  }

  show(view: Place["view"]): void {
    this.go({ view });
  }

  async signIn(key: string): Promise<string> {
    try {
      await this.api.signIn(key);
    } catch (error) {
      const { status, message } = asRefusal(error);
      return status === 401 ? "This key is not valid." : message;
    }
    const { store } = this;
    store.loginWanted.value = false;
    store.session.value = { required: true, signedIn: true, version: store.session.value?.version ?? "" };
    this.refresh();
    void this.openLinkedContext();
    void this.checkHealth();
    return "";
  }

  async signOut(): Promise<void> {
    await this.api.signOut();
    location.reload();
  }

  rangeNow(): { start?: string | undefined; end?: string | undefined } {
    const { from, to } = this.range;
    const now = Date.now();
    return { start: time.resolveTime(from, now) ?? undefined, end: time.resolveTime(to, now) ?? undefined };
  }

  /** The range of the lines shown, as absolute times; of a tail that of the place, as of now. */
  rangeShown(): { start: string; end: string } {
    const { start, end } = this.store.isLive.value ? this.rangeNow() : this.store.run.value;
    return { start: start || this.range.from, end: end || this.range.to };
  }

  private go(patch: Partial<Place>): void {
    const before = writePlace(this.store.place.value);
    const after = writePlace({ ...this.store.place.value, ...patch });
    this.store.go(patch, before === after ? "replace" : "push");
  }

  private every(milliseconds: number, act: () => void): void {
    setInterval(() => {
      if (!document.hidden) act();
    }, milliseconds);
  }

  async checkHealth(): Promise<void> {
    try {
      const health = await this.api.health();
      const wasDown = this.store.serverDown.value;
      this.store.health.value = health;
      this.store.serverDown.value = false;
      if (wasDown && this.store.run.value.phase === "failed") this.refresh();
    } catch {
      this.store.serverDown.value = true;
    }
  }

  // The first-run page turns into the search when there is something to search.
  private async awaitFirst(): Promise<void> {
    if (!this.store.empty.value) return;
    try {
      const { logs } = await this.api.entries({ query: "{}", limit: 1 });
      if (!logs.length) return;
      this.store.empty.value = false;
      this.refresh();
    } catch {
      // The next attempt will tell.
    }
  }

  private async openLinkedContext(): Promise<void> {
    const wanted = readSelected(this.store.place.value.context);
    if (!wanted) {
      this.store.context.value = null;
      return;
    }
    try {
      const entry = await this.api.stored(wanted.id);
      this.store.context.value = entry;
      if (!entry) this.store.say("the linked line is not stored any more");
    } catch (error) {
      this.store.say(`the linked line cannot be shown: ${asRefusal(error).message}`);
    }
  }
}

export const PageContext = createContext<Page | null>(null);

/** The page that a component is part of. */
export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("a component outside of the page");
  return page;
}
