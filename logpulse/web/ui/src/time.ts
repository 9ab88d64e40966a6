// Ranges of time as people write them and as they stand in the URL.

import {
  atWall,
  clockOf,
  formatInstant,
  type Instant,
  MILLISECOND,
  millisecondsOf,
  nanosecondsOf,
  parseInstant,
  SECOND,
  toRfc3339,
  utcOf,
  type Wall,
} from "./instant";
import type { TimeRange, Zone } from "./slots";

export type ParsedRange = { range: TimeRange; error: null } | { range: null; error: string };

const UNITS: readonly [name: string, short: string, seconds: number, pattern: string][] = [
  ["year", "y", 31_536_000, "years?|y"],
  ["week", "w", 604_800, "weeks?|w"],
  ["day", "d", 86_400, "days?|d"],
  ["hour", "h", 3_600, "hours?|hrs?|h"],
  ["minute", "m", 60, "minutes?|mins?|m"],
  ["second", "s", 1, "seconds?|secs?|s"],
];
const UNIT = UNITS.map(([, , , pattern]) => pattern).join("|");
const DURATION = new RegExp(`^(?:\\d+\\s*(?:${UNIT})\\s*)+$`, "i");
const DURATION_PART = new RegExp(`(\\d+)\\s*(${UNIT})`, "gi");
const ABSOLUTE = /^(?:(\d{4})-(\d{2})-(\d{2}))?(?:(?:^|[T ])(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?$/i;
const EXAMPLES = "try 15m, 2h ago, now-1d to now or 2026-11-23 14:00 to 15:00";
// A number of so many digits counts units of so many nanoseconds, as far as times from 2001 to 2286 go.
const EPOCHS: Readonly<Record<number, bigint>> = { 10: SECOND, 13: MILLISECOND, 16: 1_000n, 19: 1n };

/** A time of the URL as RFC 3339, `now` being milliseconds since 1970; null where it cannot be read. */
export function resolveTime(text: string, now: number): string | null {
  const instant = instantOf(text, now);
  return instant === null ? null : toRfc3339(instant);
}

/** Read what somebody typed as a range; else say what is wrong with it. */
export function parseRange(text: string, now: number, zone: Zone): ParsedRange {
  const typed = text.trim().replace(/\s+/g, " ");
  if (typed === "") return failed(`a range is missing: ${EXAMPLES}`);
  const [first = "", second, ...more] = typed.split(/ (?:to|until|-|–|—) | ?\.\.+ ?| ?→ ?/i);
  if (more.length > 0) return failed(`a range has two ends: ${EXAMPLES}`);
  if (second === undefined) return alone(first.replace(/^(?:the )?last /i, ""), now, zone);
  const from = endOf(first, now, zone, null);
  if (from === null) return failed(`“${first}” is no time: ${EXAMPLES}`);
  const to = endOf(second, now, zone, dayOf(instantOf(from, now), zone));
  if (to === null) return failed(`“${second}” is no time: ${EXAMPLES}`);
  return ordered({ from, to }, now);
}

/** `Last 1 hour`, or both ends in the zone. */
export function describeRange(range: TimeRange, zone: Zone): string {
  const back = secondsBack(range.from);
  if (back !== null && range.to === "now") return back === 0 ? "Now" : `Last ${spell(back)}`;
  const from = describeEnd(range.from, zone);
  const to = describeEnd(range.to, zone);
  const day = /^\d{4}-\d{2}-\d{2} /.exec(from)?.[0];
  return `${from} to ${day && to.startsWith(day) ? to.slice(day.length) : to}`;
}

/** Both ends moved by so many halves of their distance; absolute where they were relative. */
export function shiftRange(range: TimeRange, halves: number, now: number): TimeRange {
  const ends = endsOf(range, now);
  if (!ends) return range;
  const distance = ((ends.to - ends.from) * BigInt(Math.round(halves * 2))) / 4n;
  return { from: toRfc3339(max(ends.from + distance, 0n)), to: toRfc3339(max(ends.to + distance, SECOND)) };
}

/** Twice the range: backwards where it ends now, as there is nothing later, else around its middle. */
export function zoomOut(range: TimeRange, now: number): TimeRange {
  const back = secondsBack(range.from);
  if (back !== null && range.to === "now") return { from: `now-${shorten(Math.max(2 * back, 1))}`, to: "now" };
  const ends = endsOf(range, now);
  if (!ends) return range;
  const half = (ends.to - ends.from) / 2n;
  return { from: toRfc3339(max(ends.from - half, 0n)), to: toRfc3339(ends.to + half) };
}

/** Both ends as instants; null where one cannot be read. */
export function endsOf(range: TimeRange, now: number): { from: Instant; to: Instant } | null {
  const from = instantOf(range.from, now);
  const to = instantOf(range.to, now);
  return from === null || to === null ? null : { from, to };
}

function alone(text: string, now: number, zone: Zone): ParsedRange {
  const relative = endOf(text, now, zone, null);
  if (DURATION.test(text)) return ordered({ from: `now-${shorten(secondsOf(text))}`, to: "now" }, now);
  const today = clockOf(zone)(now);
  if (/^today$/i.test(text)) return ordered({ from: startOf(today, 0, zone), to: "now" }, now);
  if (/^yesterday$/i.test(text)) return ordered({ from: startOf(today, -1, zone), to: startOf(today, 0, zone) }, now);
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const day = relative !== null && date ? dayOf(instantOf(relative, now), zone) : null;
  if (day) return ordered({ from: startOf(day, 0, zone), to: startOf(day, 1, zone) }, now);
  if (relative === null || relative === "now") return failed(`“${text}” is no range: ${EXAMPLES}`);
  return ordered({ from: relative, to: "now" }, now);
}

/** One end as it stands in the URL; a mere time of day takes the day given, else today. */
function endOf(text: string, now: number, zone: Zone, day: Wall | null): string | null {
  const back = secondsBack(text.replace(/\s/g, "").toLowerCase());
  if (back !== null) return back === 0 ? "now" : `now-${shorten(back)}`;
  const ago = /^(.*) ago$/i.exec(text)?.[1];
  if (ago && DURATION.test(ago)) return `now-${shorten(secondsOf(ago))}`;
  const instant = parseInstant(text) ?? epoch(text) ?? absolute(text, zone, day ?? clockOf(zone)(now));
  return instant === null ? null : toRfc3339(instant);
}

function absolute(text: string, zone: Zone, day: Wall): Instant | null {
  const match = ABSOLUTE.exec(text);
  if (!match || text === "") return null;
  const [, year, month, date, hour = "0", minute = "0", second = "0", fraction = ""] = match;
  const wall: Wall = {
    year: Number(year ?? day.year),
    month: Number(month ?? day.month),
    day: Number(date ?? day.day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
  const read = new Date(utcOf(wall)); // 30 February becomes 2 March, which nobody meant
  const same = read.getUTCMonth() + 1 === wall.month && read.getUTCDate() === wall.day;
  if (!same || wall.hour > 23 || wall.minute > 59 || wall.second > 59) return null;
  return BigInt(atWall(wall, zone)) * MILLISECOND + BigInt(fraction.padEnd(9, "0"));
}

function epoch(text: string): Instant | null {
  const unit = /^\d+$/.test(text) ? EPOCHS[text.length] : undefined;
  return unit === undefined ? null : BigInt(text) * unit;
}

function instantOf(text: string, now: number): Instant | null {
  const back = secondsBack(text);
  if (back !== null) return BigInt(Math.round(now)) * MILLISECOND - BigInt(back) * SECOND;
  return parseInstant(text) ?? epoch(text);
}

/** Seconds before now of `now` and `now-1h30m`; null for an absolute time. */
function secondsBack(text: string): number | null {
  if (text === "now") return 0;
  const duration = /^now-(.+)$/.exec(text)?.[1];
  return duration && DURATION.test(duration) ? secondsOf(duration) : null;
}

function secondsOf(duration: string): number {
  let seconds = 0;
  for (const [, count, unit = ""] of duration.matchAll(DURATION_PART)) {
    const factor = UNITS.find(([, , , pattern]) => new RegExp(`^(?:${pattern})$`, "i").test(unit))?.[2] ?? 0;
    seconds += Number(count) * factor;
  }
  return seconds;
}

/** The shortest text of a duration that this module reads back, `1h30m`; years are left out, as `365d` says more. */
function shorten(seconds: number): string {
  return split(seconds, UNITS.slice(2), (count, [, short]) => `${count}${short}`).join("") || "0s";
}

function spell(seconds: number): string {
  const plural = (count: number, name: string) => `${count} ${name}${count === 1 ? "" : "s"}`;
  return split(seconds, UNITS.slice(2), (count, [name]) => plural(count, name)).join(" ") || "0 seconds";
}

function split<T>(
  seconds: number,
  units: typeof UNITS,
  write: (count: number, unit: (typeof UNITS)[number]) => T,
): T[] {
  let rest = seconds;
  const parts: T[] = [];
  for (const unit of units) {
    const count = Math.floor(rest / unit[2]);
    rest -= count * unit[2];
    if (count > 0) parts.push(write(count, unit));
  }
  return parts;
}

function describeEnd(text: string, zone: Zone): string {
  const back = secondsBack(text);
  if (back !== null) return back === 0 ? "now" : `${spell(back)} ago`;
  const instant = parseInstant(text) ?? epoch(text);
  if (instant === null) return text;
  const nanoseconds = nanosecondsOf(instant);
  const digits = nanoseconds === 0 ? 0 : nanoseconds % 1_000_000 === 0 ? 3 : 9;
  return formatInstant(instant, clockOf(zone), digits);
}

function dayOf(instant: Instant | null, zone: Zone): Wall | null {
  return instant === null ? null : clockOf(zone)(millisecondsOf(instant));
}

function startOf(day: Wall, later: number, zone: Zone): string {
  const midnight = new Date(Date.UTC(day.year, day.month - 1, day.day + later));
  const wall = { year: midnight.getUTCFullYear(), month: midnight.getUTCMonth() + 1, day: midnight.getUTCDate() };
  return toRfc3339(BigInt(atWall({ ...wall, hour: 0, minute: 0, second: 0 }, zone)) * MILLISECOND);
}

function ordered(range: TimeRange, now: number): ParsedRange {
  const ends = endsOf(range, now);
  if (!ends) return failed(`this is no range: ${EXAMPLES}`);
  if (ends.from < 0n) return failed("the range begins before 1970");
  return ends.from < ends.to ? { range, error: null } : failed("the range ends before it begins");
}

function failed(error: string): ParsedRange {
  return { range: null, error };
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
