// Lines of one shape as one pattern: what differs from line to line is replaced by a sign.

import type { Level } from "./levels";
import type { Rows } from "./ring";

export interface Pattern {
  text: string;
  count: number;
  /** The most frequent level. */
  level: Level;
  /** A message of this shape. */
  example: string;
  /** The longest text that all its lines share, for a line filter. */
  shared: string;
}

const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, "<time>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, "<ip>"],
  [/\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, "<id>"],
  [/\d+(?:\.\d+)?/g, "<n>"],
];

const READ = 400;

/** The patterns of the loaded rows, the most frequent first. */
export function patternsOf(rows: Rows, most = 200): Pattern[] {
  const groups = new Map<string, { count: number; levels: Map<Level, number>; example: string }>();
  for (let index = 0; index < rows.length; index++) {
    const row = rows.at(index);
    if (!row?.entry) continue;
    const line = row.plain.slice(0, READ).split("\n", 1)[0] ?? "";
    const text = masked(line);
    const group = groups.get(text) ?? { count: 0, levels: new Map<Level, number>(), example: line };
    group.count++;
    group.levels.set(row.level, (group.levels.get(row.level) ?? 0) + 1);
    groups.set(text, group);
  }
  return [...groups]
    .map(([text, { count, levels, example }]) => ({
      text,
      count,
      example,
      level: mostOf(levels),
      shared: longestShared(text),
    }))
    .sort((one, other) => other.count - one.count)
    .slice(0, most);
}

/** A line with what varies replaced. */
export function masked(line: string): string {
  let text = line;
  for (const [mask, sign] of MASKS) text = text.replace(mask, sign);
  return text;
}

function longestShared(text: string): string {
  const parts = text.split(/<(?:time|id|ip|n)>/).map((part) => part.trim());
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), "");
}

function mostOf(levels: ReadonlyMap<Level, number>): Level {
  let best: Level = "unknown";
  let most = 0;
  for (const [level, count] of levels) {
    if (count > most) [best, most] = [level, count];
  }
  return best;
}
