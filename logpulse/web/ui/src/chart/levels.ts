// The volume by the levels that the page knows, whatever words the programs use for them.

import { visible } from "../ansi";
import { LEVELS, type Level, levelOf } from "../levels";
import type { VolumeAnswer } from "../types";

/** The lines of one level, by bucket and in all. */
export interface LevelBars {
  level: Level;
  /** What the programs call it, where that is another word. */
  words: readonly string[];
  counts: readonly number[];
  total: number;
}

/** The levels that occur, the most severe first; words of one level, as fatal and critical, are summed. */
export function barsOf(volume: VolumeAnswer): LevelBars[] {
  const bars = new Map<Level, LevelBars>();
  for (const { level: word, counts, total } of volume.levels) {
    const level = levelOf(word);
    const before = bars.get(level);
    bars.set(level, {
      level,
      words: [...(before?.words ?? []), ...(word === level || word === "" ? [] : [word])],
      counts: before ? counts.map((count, bucket) => count + (before.counts[bucket] ?? 0)) : counts,
      total: total + (before?.total ?? 0),
    });
  }
  return LEVELS.flatMap((level) => bars.get(level) ?? []);
}

/** How many lines are of these levels; of all where none is chosen. */
export function totalOf(volume: VolumeAnswer, levels: readonly Level[]): number {
  if (levels.length === 0) return volume.total;
  return barsOf(volume).reduce((sum, { level, total }) => sum + (levels.includes(level) ? total : 0), 0);
}

const WORDS_AT_MOST = 3;
const WORD_LENGTH = 20;

/** What the legend calls a level: words that mean nothing to the page tell more than that it does not know them. */
export function legendName({ level, words }: LevelBars): string {
  if (level !== "unknown" || words.length === 0) return level;
  const some = words.slice(0, WORDS_AT_MOST).map((word) => visible(word.slice(0, WORD_LENGTH)));
  return `unknown (${some.join(", ")}${words.length > some.length ? " …" : ""})`;
}

/** Whether its lines are counted in the error lane, so that they never drown. */
export function isSevere(level: Level): boolean {
  return level === "critical" || level === "error";
}
