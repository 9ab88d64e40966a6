// Points in time with nanoseconds, which exceed what numbers hold: bigints here, RFC 3339 text outside.

import type { Zone } from "./slots";

/** Nanoseconds since 1970. */
export type Instant = bigint;

export const MILLISECOND = 1_000_000n;
export const SECOND = 1_000_000_000n;

const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Read RFC 3339 with any offset and up to nine fractional digits; null for anything else. */
export function parseInstant(text: string): Instant | null {
  const match = RFC3339.exec(text);
  if (!match) return null;
  const [, date, time, fraction = "", offset = "Z"] = match;
  const milliseconds = Date.parse(`${date}T${time}${offset.toUpperCase()}`);
  if (Number.isNaN(milliseconds)) return null;
  return BigInt(milliseconds) * MILLISECOND + BigInt(fraction.padEnd(9, "0"));
}

/** Write an instant as the API does: RFC 3339 in UTC, without trailing zeros of the fraction. */
export function toRfc3339(instant: Instant): string {
  const fraction = nanosecondsOf(instant).toString().padStart(9, "0").replace(/0+$/, "");
  const seconds = new Date(millisecondsOf(instant)).toISOString().slice(0, 19);
  return `${seconds}${fraction && `.${fraction}`}Z`;
}

/** Milliseconds since 1970, rounded down. */
export function millisecondsOf(instant: Instant): number {
  return Number((instant - modulo(instant, MILLISECOND)) / MILLISECOND);
}

/** The part of a second, 0 to 999,999,999. */
export function nanosecondsOf(instant: Instant): number {
  return Number(modulo(instant, SECOND));
}

/** What a clock on a wall in the zone shows. */
export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** Give the clock of a zone: from milliseconds since 1970 to what it shows. An unknown zone is UTC. */
export function clockOf(zone: Zone): (milliseconds: number) => Wall {
  const format = formatter(zone);
  return (milliseconds) => {
    const wall: Wall = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of format.formatToParts(milliseconds)) {
      if (type in wall) wall[type as keyof Wall] = Number(value);
    }
    return wall;
  };
}

/** Find the instant at which the clock of the zone shows this; in the hour that a spring skips, the one an hour later. */
export function atWall(wall: Wall, zone: Zone): number {
  const clock = clockOf(zone);
  const wanted = utcOf(wall);
  // The offset of the guess may be that of the other side of a change of the clock; the second round settles it.
  const first = wanted - (utcOf(clock(wanted)) - wanted);
  return wanted - (utcOf(clock(first)) - first);
}

/** Milliseconds since 1970 if the wall clock were UTC's. */
export function utcOf(wall: Wall): number {
  return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);
}

/** Write an instant in a zone, `2026-11-23 14:00:00`, with 0 to 9 digits of the second's fraction. */
export function formatInstant(instant: Instant, clock: (milliseconds: number) => Wall, digits: number): string {
  const { year, month, day, hour, minute, second } = clock(millisecondsOf(instant));
  const date = `${year}-${two(month)}-${two(day)}`;
  const fraction = nanosecondsOf(instant).toString().padStart(9, "0").slice(0, digits);
  return `${date} ${two(hour)}:${two(minute)}:${two(second)}${fraction && `.${fraction}`}`;
}

/** Whether the browser knows the zone. */
export function isZone(zone: string): boolean {
  if (zone === "local" || zone === "UTC") return true;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function formatter(zone: Zone): Intl.DateTimeFormat {
  const options: Intl.DateTimeFormatOptions = {
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    calendar: "iso8601",
    numberingSystem: "latn",
  };
  if (zone === "local") return new Intl.DateTimeFormat("en-US", options);
  return new Intl.DateTimeFormat("en-US", { ...options, timeZone: isZone(zone) ? zone : "UTC" });
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function modulo(value: bigint, divisor: bigint): bigint {
  return ((value % divisor) + divisor) % divisor;
}
