// How the histogram orders, names and paints levels.

import { LEVELS, type Level, levelOf } from "../levels";
import type { LevelVolume, VolumeAnswer } from "../types";

/** What the legend calls a level. */
export function nameOf(level: string): string {
  return level === "" ? "unknown" : level;
}

/** The level whose colour it has. */
export function paintOf(level: string): Level {
  return levelOf(level);
}

/** Whether its lines are counted in the error lane, so that they never drown. */
export function isSevere(level: string): boolean {
  return paintOf(level) === "critical" || paintOf(level) === "error";
}

/** The levels to draw, bottom first; all where none is chosen. */
export function shown(volume: VolumeAnswer, levels: readonly string[]): LevelVolume[] {
  return volume.levels
    .filter(({ level }) => levels.length === 0 || levels.includes(level))
    .toSorted((left, right) => LEVELS.indexOf(paintOf(left.level)) - LEVELS.indexOf(paintOf(right.level)));
}
