// Finding text in the loaded lines. Literal search runs here; regular expressions run in a worker that can be ended,
// as a pattern may take for ever.

import type { Rows } from "./ring";

export interface Search {
  text: string;
  regex: boolean;
  matchCase: boolean;
}

/** Begin and end of a match within a text. */
export type Span = readonly [from: number, to: number];

/** Matches within one text, in order, without overlaps; at most `limit`. */
export function literalSpans(text: string, wanted: string, matchCase: boolean, limit = 100): Span[] {
  if (!wanted) return [];
  const hay = matchCase ? text : lower(text);
  const needle = matchCase ? wanted : lower(wanted);
  const spans: Span[] = [];
  for (let at = hay.indexOf(needle); at >= 0 && spans.length < limit; at = hay.indexOf(needle, at + needle.length)) {
    spans.push([at, at + needle.length]);
  }
  return spans;
}

// Lower case may be longer than the text ("İ"), and then its places mean nothing in it.
function lower(text: string): string {
  const lowered = text.toLowerCase();
  return lowered.length === text.length ? lowered : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Matches of a pattern within one text; an empty match counts not. For the worker only. */
export function regexSpans(text: string, pattern: RegExp, limit = 100): Span[] {
  const spans: Span[] = [];
  for (const found of text.matchAll(pattern)) {
    if (found[0]) spans.push([found.index, found.index + found[0].length]);
    if (spans.length >= limit) break;
  }
  return spans;
}

/** Places of the rows that hold the text. */
export function literalRows(rows: Rows, wanted: string, matchCase: boolean): number[] {
  const found: number[] = [];
  if (!wanted) return found;
  const needle = matchCase ? wanted : lower(wanted);
  for (let index = 0; index < rows.length; index++) {
    const row = rows.at(index);
    if (!row?.entry) continue;
    if ((matchCase ? row.plain : lower(row.plain)).includes(needle)) found.push(index);
  }
  return found;
}

/** The next of some ascending places after one (or before it, `step` -1), around the end; -1 where there is none. */
export function nextOf(places: readonly number[], from: number, step: 1 | -1): number {
  if (!places.length) return -1;
  if (step > 0) return places.find((place) => place > from) ?? places[0] ?? -1;
  return places.findLast((place) => place < from) ?? places[places.length - 1] ?? -1;
}

/** Overlapping and touching spans as one, in order. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  const merged: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = merged[merged.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/**
 * The literal texts of a pattern that is a choice of plain words (`timeout|refused`), for highlighting what a query's
 * `|~` finds; null where it is more than that. `(?i)` before it sets `ignoreCase`.
 */
export function plainWords(pattern: string): { words: string[]; ignoreCase: boolean } | null {
  const ignoreCase = pattern.startsWith("(?i)");
  const body = ignoreCase ? pattern.slice(4) : pattern;
  if (/[\\^$.*+?()[\]{}]/.test(body)) return null;
  const words = body.split("|").filter(Boolean);
  return words.length ? { words, ignoreCase } : null;
}
