// The last runs and the saved searches, in localStorage under a schema with a version.

import type { TimeRange } from "../slots";

/** A run as it was: its range as in the URL, when (milliseconds), how many lines or series it found, in how long. */
export interface Run {
  query: string;
  range: TimeRange;
  at: number;
  count: number;
  milliseconds: number;
}

export interface Saved {
  name: string;
  query: string;
  range: TimeRange;
}

export interface History {
  runs: readonly Run[];
  saved: readonly Saved[];
}

const VERSION = 1;
const KEY = "logpulse.searches";
const MOST_RUNS = 100; // as many as somebody scrolls through
const MOST_SAVED = 500; // an imported file must not fill the storage
const LONGEST_QUERY = 131_072; // the server reads none that is longer

export const EMPTY: History = { runs: [], saved: [] };

/** Add a run in front; the same query run again moves there. */
export function withRun(history: History, run: Run): History {
  const others = history.runs.filter(({ query, range }) => query !== run.query || !same(range, run.range));
  return { ...history, runs: [run, ...others].slice(0, MOST_RUNS) };
}

/** Save a search under a name, in place of one with that name. */
export function withSaved(history: History, saved: Saved): History {
  const others = history.saved.filter(({ name }) => name !== saved.name);
  const all = [...others, saved].sort((left, right) => left.name.localeCompare(right.name));
  return { ...history, saved: all.slice(0, MOST_SAVED) };
}

/** Forget a saved search. */
export function withoutSaved(history: History, name: string): History {
  return { ...history, saved: history.saved.filter((saved) => saved.name !== name) };
}

/** The saved search of exactly this query, for the star. */
export function savedAs(history: History, query: string): Saved | null {
  return history.saved.find((saved) => saved.query === query) ?? null;
}

/** Write it as a file or for the storage. */
export function writeHistory(history: History): string {
  return JSON.stringify({ version: VERSION, ...history });
}

/** Read what `writeHistory` wrote; null for anything else, also of a later version. Entries that are malformed are left out. */
export function readHistory(text: string): History | null {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(read) || read.version !== VERSION || !Array.isArray(read.runs) || !Array.isArray(read.saved))
    return null;
  return { runs: read.runs.filter(isRun).slice(0, MOST_RUNS), saved: read.saved.filter(isSaved).slice(0, MOST_SAVED) };
}

/** Take over what a file has, what is here winning. */
export function merged(history: History, other: History): History {
  const runs = [...history.runs, ...other.runs].sort((left, right) => right.at - left.at);
  const unique = runs.filter(
    (run, at) => runs.findIndex(({ query, range }) => query === run.query && same(range, run.range)) === at,
  );
  const saved = other.saved.filter(({ name }) => !history.saved.some((own) => own.name === name));
  return saved.reduce(withSaved, { runs: unique.slice(0, MOST_RUNS), saved: history.saved });
}

/** Load it; nothing where the storage is closed, empty or of another version. */
export function loadHistory(storage: Pick<Storage, "getItem">): History {
  try {
    return readHistory(storage.getItem(KEY) ?? "") ?? EMPTY;
  } catch {
    return EMPTY; // a browser that forbids storage throws
  }
}

/** Store it, oldest runs first given up where there is no room. Says whether it could. */
export function storeHistory(storage: Pick<Storage, "setItem">, history: History): boolean {
  for (let runs = history.runs; ; runs = runs.slice(0, runs.length >> 1)) {
    try {
      storage.setItem(KEY, writeHistory({ ...history, runs }));
      return true;
    } catch {
      if (runs.length === 0) return false;
    }
  }
}

function same(left: TimeRange, right: TimeRange): boolean {
  return left.from === right.from && left.to === right.to;
}

function isRun(value: unknown): value is Run {
  if (!isObject(value) || !isSearch(value)) return false;
  return [value.at, value.count, value.milliseconds].every(
    (number) => typeof number === "number" && Number.isFinite(number),
  );
}

function isSaved(value: unknown): value is Saved {
  return isObject(value) && isSearch(value) && typeof value.name === "string" && value.name !== "";
}

function isSearch(value: Record<string, unknown>): boolean {
  const { query, range } = value;
  if (typeof query !== "string" || query.length > LONGEST_QUERY) return false;
  return isObject(range) && typeof range.from === "string" && typeof range.to === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
