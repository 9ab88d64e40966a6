// Lines of one shape as one pattern: what differs from line to line is replaced by a sign.

import type { Level } from "./levels";
import type { Row, Rows } from "./ring";

export interface Pattern {
  text: string;
  count: number;
  /** The most frequent level. */
  level: Level;
  /** A message of this shape. */
  example: string;
  /** The same for `|>` and `!>`; empty: of lines that have no text in common. */
  filter: string;
}

const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, "<time>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, "<ip>"],
  [/\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, "<id>"],
  [/\d+(?:\.\d+)?/g, "<n>"],
];

/** So many of the first characters of a line are compared. */
const READ = 400;

/** So many rows are compared: some tenths of a second of work. */
export const ROWS_COMPARED = 20_000;

interface Group {
  count: number;
  levels: Map<Level, number>;
  text: string;
  row: Row;
}

/** The patterns of the first rows, the most frequent first. */
export function patternsOf(rows: Rows, most = 200): Pattern[] {
  const groups = new Map<string, Group>();
  for (let index = 0; index < Math.min(rows.length, ROWS_COMPARED); index++) {
    const row = rows.at(index);
    if (!row?.entry) continue;
    const text = masked(firstLine(row.plain));
    // An id of mere digits looks like a number, and its line is of the same shape all the same.
    const shape = text.replace(SIGN, "<_>");
    const group = groups.get(shape) ?? { count: 0, levels: new Map<Level, number>(), text, row };
    group.count++;
    group.levels.set(row.level, (group.levels.get(row.level) ?? 0) + 1);
    groups.set(shape, group);
  }
  return [...groups.values()]
    .map(({ count, levels, text, row }) => ({
      text,
      count,
      level: mostOf(levels),
      example: firstLine(row.plain),
      filter: filterOf(row.entry?.message ?? ""),
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

const SIGN = /<(?:time|id|ip|n)>/g;

// What a pattern of LogQL cannot hold as text: colours, which vary, other controls, and names in angle brackets.
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is meant
const NO_TEXT = /\u001b\[[0-9;]*m|[\u0000-\u001f\u007f]+|<\w+>/g;

/** The pattern of LogQL that a message is of; empty where nothing of it is fixed. */
export function filterOf(message: string): string {
  const line = firstLine(message);
  const pattern =
    masked(line.replace(NO_TEXT, "<_>")).replace(SIGN, "<_>") + (line.length < message.length ? "<_>" : "");
  const collapsed = pattern.replace(/(?:<_>)+/g, "<_>");
  return collapsed === "<_>" ? "" : collapsed;
}

function firstLine(text: string): string {
  return text.slice(0, READ).split("\n", 1)[0] ?? "";
}

function mostOf(levels: ReadonlyMap<Level, number>): Level {
  let best: Level = "unknown";
  let most = 0;
  for (const [level, count] of levels) {
    if (count > most) [best, most] = [level, count];
  }
  return best;
}
