// How the histogram names, orders and paints levels.

import type { LevelVolume, VolumeAnswer } from "../types";

/** The levels with colours of their own; every other word is painted and named as it is, in the colour of "unknown". */
const PAINTED: readonly string[] = ["critical", "error", "warn", "info", "debug", "trace"];
const SAME: Readonly<Record<string, string>> = { fatal: "critical", warning: "warn" };

/** Counted in the lane of its own, so that they never drown. */
const SEVERE: ReadonlySet<string> = new Set(["critical", "fatal", "error"]);

/** The name of the colour's variables. */
export function paintOf(level: string): string {
  const same = SAME[level] ?? level;
  return PAINTED.includes(same) ? same : "unknown";
}

/** What the legend calls it. */
export function nameOf(level: string): string {
  return level === "" ? "unknown" : level;
}

/** Whether its lines are counted in the error lane. */
export function isSevere(level: string): boolean {
  return SEVERE.has(level);
}

/** The levels to draw, bottom first; all where none is chosen. */
export function shown(volume: VolumeAnswer, levels: readonly string[]): LevelVolume[] {
  const order = ({ level }: LevelVolume) => {
    const at = PAINTED.indexOf(paintOf(level));
    return at < 0 ? PAINTED.length : at;
  };
  return volume.levels
    .filter(({ level }) => levels.length === 0 || levels.includes(level))
    .toSorted((left, right) => order(left) - order(right));
}
