// A live tail in the store: what arrives goes into the ring once a frame, or waits while paused.

import type { Api } from "./api";
import { Refusal } from "./api";
import { type Gap, Ring, Row } from "./ring";
import { type Store, TAIL_ROWS } from "./state";
import { Tail } from "./tail";
import { IDLE, isWanted, Rate } from "./tailstate";
import type { Entry, ErrorAnswer } from "./types";

const HISTORY_LIMIT = 1000;
const FILL_LIMIT = 5000;

/** Follows the query of a store's place. */
export class Live {
  private readonly tail: Tail;
  private readonly rate = new Rate();
  private arrived: (Entry | "gap")[] = [];
  private waiting: (Entry | "gap")[] = [];
  private newest = "";
  private frame = 0;
  private clock = 0;

  constructor(
    private readonly store: Store,
    private readonly api: Api,
  ) {
    this.tail = new Tail(api, {
      onState: (state) => {
        store.tail.value = state;
      },
      onEntries: (entries) => this.receive(entries),
      onGap: () => this.queue("gap"),
      onFilter: () => void this.refill(),
      onError: (error) => this.refuse(error),
    });
  }

  /** Begins to follow, or follows the changed query. */
  follow(query: string): void {
    const { store } = this;
    if (isWanted(store.tail.value)) {
      this.tail.filter(query);
      return;
    }
    store.ring.value = new Ring(TAIL_ROWS);
    store.touch();
    store.run.value = { ...store.run.value, phase: "ready", query, error: null, next: null, series: null, stats: null };
    this.arrived = [];
    this.waiting = [];
    this.newest = "";
    this.tail.start(query);
    this.clock = window.setInterval(() => {
      store.tailRate.value = this.rate.perSecond(performance.now());
      // Frames stop in a hidden tab; what arrives there must still find its way into the bounded ring.
      if (document.hidden) this.flush();
    }, 1000);
  }

  pause(): void {
    if (isWanted(this.store.tail.value)) this.tail.pause();
  }

  resume(): void {
    this.tail.resume();
    this.arrived.push(...this.waiting);
    this.waiting = [];
    this.schedule();
  }

  toggle(): void {
    if (this.store.tail.value.paused) this.resume();
    else this.pause();
  }

  /** Ends the tail; its lines stay. */
  stop(): void {
    if (this.waiting.length) this.resume();
    this.flush();
    this.tail.stop();
    clearInterval(this.clock);
    this.store.tailRate.value = 0;
  }

  /** Forgets a tail that was stopped. */
  dismiss(): void {
    this.store.tail.value = IDLE;
  }

  clear(): void {
    this.waiting = [];
    this.arrived = [];
    this.store.ring.value.clear();
    this.tail.clear();
    this.store.touch();
  }

  retry(): void {
    this.tail.retry();
  }

  /** Asks for what a gap hides and puts it there. */
  async fill(row: Row): Promise<void> {
    const { gap } = row;
    const ring = this.store.ring.value;
    if (!gap || gap.state === "loading") return;
    const loading = new Row(null, { ...gap, state: "loading" });
    ring.replace(row, loading);
    this.store.touch();
    const { query } = this.store.run.value;
    try {
      const found: Entry[] = [];
      let cursor: string | undefined;
      do {
        const range = { start: gap.after || undefined, end: this.entryAfter(loading) };
        const answer = await this.api.entries({ query, ...range, direction: "forward", limit: FILL_LIMIT, cursor });
        found.push(...answer.logs);
        cursor = answer.next ?? undefined;
      } while (cursor && found.length < TAIL_ROWS);
      const filled = ring.fillGap(loading, found);
      this.store.say(filled ? `${filled} missing lines loaded` : "nothing was missing");
    } catch {
      ring.replace(loading, new Row(null, { ...gap, state: "failed" }));
    }
    this.store.touch();
  }

  // Without an end the query reads up to now; entries that are there already are not added twice.
  private entryAfter(row: Row): string | undefined {
    const ring = this.store.ring.value;
    for (let index = ring.length - 1; index >= 0; index--) {
      if (ring.at(index) === row) return ring.at(index + 1)?.entry?.timestamp;
    }
    return undefined;
  }

  private receive(entries: Entry[]): void {
    this.rate.add(entries.length, performance.now());
    if (!this.store.tail.value.paused) {
      for (const entry of entries) this.queue(entry);
      return;
    }
    for (const entry of entries) this.waiting.push(entry);
    const surplus = Math.max(0, this.waiting.length - TAIL_ROWS);
    if (surplus) {
      this.waiting.splice(0, surplus);
      this.tail.lost(surplus);
    }
    this.tail.held(entries.length - surplus);
  }

  private queue(item: Entry | "gap"): void {
    if (this.store.tail.value.paused) {
      this.waiting.push(item);
      return;
    }
    this.arrived.push(item);
    this.schedule();
  }

  private schedule(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.flush();
    });
  }

  private flush(): void {
    if (!this.arrived.length) return;
    const ring = this.store.ring.value;
    let entries: Entry[] = [];
    for (const item of this.arrived) {
      if (item !== "gap") {
        entries.push(item);
        continue;
      }
      this.push(ring, entries);
      entries = [];
      const gap: Gap = { after: this.newest, before: null, state: "open" };
      if (ring.length) ring.pushGap(gap);
    }
    this.push(ring, entries);
    this.arrived = [];
    this.store.empty.value = false;
    this.store.touch();
  }

  private push(ring: Ring, entries: Entry[]): void {
    ring.push(entries);
    for (const { timestamp } of entries) if (timestamp > this.newest) this.newest = timestamp;
  }

  // The new filter begins now; what matched before it comes from the store, so that the list is not empty.
  private async refill(): Promise<void> {
    const { store } = this;
    const { query } = store.place.value;
    this.clear();
    const ring = store.ring.value;
    store.run.value = { ...store.run.value, query, error: null, phase: "ready" };
    try {
      const { logs } = await this.api.entries({ query, limit: HISTORY_LIMIT });
      if (store.run.value.query !== query) return;
      ring.unshift([...logs].reverse());
      store.touch();
    } catch {
      // The tail itself works; its lines come.
    }
  }

  private refuse(error: ErrorAnswer): void {
    this.store.run.value = { ...this.store.run.value, phase: "failed", error: new Refusal(400, error, null) };
  }
}
