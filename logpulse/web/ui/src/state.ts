// The single store: what the page shows, as signals. Who fetches writes into it (search.ts, live.ts), who draws reads it.

import { computed, signal } from "@preact/signals";
import type { Health, Refusal } from "./api";
import { loadHistory } from "./past/searches";
import { Filtered, Reversed, Ring, type Rows } from "./ring";
import { IDLE, type TailState } from "./tailstate";
import type { Entry, FieldsAnswer, QueryStats, SeriesAnswer, Session, VolumeAnswer } from "./types";
import { type Place, readPlace, writePlace } from "./url";

/** So many rows a search may load; 22 px each stay far below the height at which browsers break. */
export const SEARCH_ROWS = 200_000;

/** So many rows a live tail keeps. */
export const TAIL_ROWS = 50_000;

/** The last run and what came of it. */
export interface Run {
  phase: "idle" | "loading" | "ready" | "failed";
  /** The query that the rows are of, which is an earlier one after a failure. */
  query: string;
  start: string;
  end: string;
  startedAt: number;
  error: Refusal | null;
  /** Where the next page begins; null: everything is loaded. */
  next: string | null;
  more: "idle" | "loading" | "failed";
  stats: QueryStats | null;
  series: SeriesAnswer | null;
}

const NOTHING: Run = {
  phase: "idle",
  query: "",
  start: "",
  end: "",
  startedAt: 0,
  error: null,
  next: null,
  more: "idle",
  stats: null,
  series: null,
};

/** An answer of a part that may fail while the rest works; absent: the query has none, as a metric query has no volume. */
export interface Part<T> {
  answer: T | null;
  state: "idle" | "loading" | "ready" | "failed" | "absent";
}

const DAY = 86_400_000;

/** What lies over the search. */
export type Sheet = "none" | "help" | "history";

export type Theme = "system" | "dark" | "light";

/** All signals of a page. */
export class Store {
  readonly place;
  readonly unknownParameters;
  readonly draft;
  readonly run = signal<Run>(NOTHING);
  readonly volume = signal<Part<VolumeAnswer>>({ answer: null, state: "idle" });
  readonly fields = signal<Part<FieldsAnswer>>({ answer: null, state: "idle" });
  readonly ring = signal(new Ring(SEARCH_ROWS));
  /** Counts changes within the ring. */
  readonly revision = signal(0);
  readonly tail = signal<TailState>(IDLE);
  readonly tailRate = signal(0);
  readonly session = signal<Session | null>(null);
  readonly loginWanted = signal(false);
  readonly health = signal<Health | null>(null);
  readonly serverDown = signal(false);
  /** The server holds no entry at all: the first-run page stands in for the search. */
  readonly empty = signal(false);
  /** The newest entry of the query, whatever the range, after a run that found none. */
  readonly elsewhere = signal<string | null>(null);
  readonly selected = signal<Entry | null>(null);
  readonly detailsOpen = signal(false);
  /** The line whose neighbours lie over the page. */
  readonly context = signal<Entry | null>(null);
  readonly facetsOpen = signal(false);
  readonly sheet = signal<Sheet>("none");
  readonly findOpen = signal(false);
  readonly past = signal(loadHistory(localStorage));
  readonly refresh = signal(0);
  readonly theme = signal<Theme>(readTheme());
  /** A short message that goes by itself, such as "copied". */
  readonly toast = signal("");

  constructor() {
    const { place, unknown } = readPlace(location.search, location.hash);
    this.place = signal<Place>(place);
    this.unknownParameters = signal(unknown);
    this.draft = signal(place.query);
  }

  readonly isLive = computed(() => this.tail.value.phase !== "idle");

  /** Times show their day, as the lines are of more than one. */
  readonly dated = computed(() => {
    const { start, end } = this.run.value;
    return !this.isLive.value && Date.parse(end) - Date.parse(start) > DAY;
  });

  // Of the place only what decides about rows: a cursor that moves changes the place, too, and not one row.
  private readonly direction = computed(() => this.place.value.direction);
  private readonly levels = computed(() => this.place.value.levels);

  /** The rows in the order of the screen, those of the chosen levels only. */
  readonly rows = computed<Rows>(() => {
    void this.revision.value;
    const direction = this.direction.value;
    const levels = this.levels.value;
    const ring = this.ring.value;
    const ordered = direction === "backward" ? new Reversed(ring) : ring;
    // A new object each time, as signals compare by identity and a ring changes in place.
    if (!levels.length)
      return direction === "backward" ? ordered : { length: ring.length, at: (index) => ring.at(index) };
    return new Filtered(ordered, (row) => row.gap !== null || levels.includes(row.level));
  });

  /** Shows another place; `push` makes a step that Back undoes. */
  go(patch: Partial<Place>, how: "push" | "replace"): void {
    const place = { ...this.place.value, ...patch };
    this.place.value = place;
    if (patch.query !== undefined) this.draft.value = patch.query;
    const url = writePlace(place);
    if (how === "push") history.pushState(null, "", url);
    else history.replaceState(null, "", url);
  }

  /** Takes over what the address says, after Back or Forward. */
  reread(): void {
    const { place, unknown } = readPlace(location.search, location.hash);
    this.place.value = place;
    this.unknownParameters.value = unknown;
    this.draft.value = place.query;
  }

  touch(): void {
    this.revision.value++;
  }

  say(message: string): void {
    this.toast.value = message;
  }

  chooseTheme(theme: Theme): void {
    this.theme.value = theme;
    if (theme === "system") {
      localStorage.removeItem(THEME_KEY);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(THEME_KEY, theme);
      document.documentElement.dataset.theme = theme;
    }
  }
}

/** Also read by public/theme.js, which runs before the first paint. */
const THEME_KEY = "logpulse.theme";

function readTheme(): Theme {
  const stored = localStorage.getItem(THEME_KEY);
  return stored === "dark" || stored === "light" ? stored : "system";
}
