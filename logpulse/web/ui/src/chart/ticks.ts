// Where a time axis has its marks, and what they say.

import { atWall, clockOf, type Wall } from "../instant";
import type { Zone } from "../slots";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((days) => days * DAY),
];

export interface Tick {
  at: number;
  text: string;
}

/** Marks between two times in milliseconds, at most so many, at round times of the zone. */
export function timeTicks(from: number, to: number, most: number, zone: Zone): Tick[] {
  const step = STEPS.find((size) => (to - from) / size <= most) ?? 364 * DAY;
  const clock = clockOf(zone);
  const start = clock(from);
  const midnight = atWall({ ...start, hour: 0, minute: 0, second: 0 }, zone);
  const ticks: Tick[] = [];
  for (let index = Math.ceil((from - midnight) / step); ; index++) {
    // Whole days are counted on the wall, as one that changes the clock is longer or shorter.
    const at = step < DAY ? midnight + index * step : dayAfter(start, (index * step) / DAY, zone);
    if (at > to || ticks.length > most + 1) return ticks;
    if (at >= from) ticks.push({ at, text: write(clock(at), at, step) });
  }
}

function dayAfter(wall: Wall, days: number, zone: Zone): number {
  const date = new Date(Date.UTC(wall.year, wall.month - 1, wall.day + days));
  const day = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
  return atWall({ ...day, hour: 0, minute: 0, second: 0 }, zone);
}

function write(wall: Wall, at: number, step: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  if (step >= DAY || (wall.hour === 0 && wall.minute === 0 && step >= MINUTE))
    return `${two(wall.month)}-${two(wall.day)}`;
  const time = `${two(wall.hour)}:${two(wall.minute)}`;
  if (step >= MINUTE) return time;
  if (step >= 1000) return `${time}:${two(wall.second)}`;
  return `${two(wall.second)}.${String(((at % 1000) + 1000) % 1000).padStart(3, "0")}`;
}
