// Entries for tests.

import type { Entry } from "../src/types";

/** An entry with this id; its time is its number in seconds. */
export function entry(id: string | number, patch: Partial<Entry> = {}): Entry {
  const seconds = typeof id === "number" ? id : 0;
  const timestamp = new Date(seconds * 1000).toISOString();
  return { id: String(id), timestamp, level: "info", message: `line ${id}`, labels: {}, metadata: {}, ...patch };
}

/** Entries numbered from, up to and without. */
export function entries(from: number, to: number): Entry[] {
  return Array.from({ length: to - from }, (_, index) => entry(from + index));
}
