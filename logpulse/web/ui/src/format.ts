// Numbers, sizes, durations and times of day as people read them.

import { clockOf, formatInstant, parseInstant, type Wall } from "./instant";

const NUMBER = new Intl.NumberFormat("en");

/** 99,535 */
export function count(value: number): string {
  return NUMBER.format(value);
}

/** 1.2k, 18.3M: three significant figures at most. */
export function compact(value: number): string {
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (value >= size * 0.9995) return `${short(value / size)}${unit}`;
  }
  return short(value);
}

/** 18.3 MB, in powers of 1000. */
export function bytes(value: number): string {
  for (const [size, unit] of [
    [1e12, "TB"],
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ] as const) {
    if (value >= size * 0.9995) return `${short(value / size)} ${unit}`;
  }
  return `${short(value)} B`;
}

/** 42 ms, 1.3 s, 2 min 5 s, 3 h 10 min, 4 d 2 h; of milliseconds. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1) return "under 1 ms";
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${short(seconds)} s`;
  const whole = Math.round(seconds);
  for (const [large, small, size, part] of [
    ["d", "h", 86400, 3600],
    ["h", "min", 3600, 60],
    ["min", "s", 60, 1],
  ] as const) {
    if (whole < size) continue;
    const rest = Math.floor((whole % size) / part);
    return `${Math.floor(whole / size)} ${large}${rest ? ` ${rest} ${small}` : ""}`;
  }
  return `${whole} s`;
}

function short(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value.toFixed(1).replace(/\.0$/, "");
}

/** "1 line", "2 lines". */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** How much of the seconds a row shows. */
export type Precision = "s" | "ms" | "ns";

const DIGITS: Readonly<Record<Precision, number>> = { s: 0, ms: 3, ns: 9 };

// A row is drawn in microseconds, Intl is slower by far: a minute is formatted once, the rest is cut from the text.
const zones = new Map<string, { clock: (milliseconds: number) => Wall; minutes: Map<string, string> }>();

const MINUTES_KEPT = 5000;

function minuteIn(timestamp: string, zone: string): string {
  const minute = timestamp.slice(0, 16);
  if (zone === "UTC") return minute.replace("T", " ");
  const known = zones.get(zone) ?? { clock: clockOf(zone), minutes: new Map<string, string>() };
  zones.set(zone, known);
  let text = known.minutes.get(minute);
  if (text === undefined) {
    if (known.minutes.size >= MINUTES_KEPT) known.minutes.clear();
    text = formatInstant(parseInstant(`${minute}:00Z`) ?? 0n, known.clock, 0).slice(0, 16);
    known.minutes.set(minute, text);
  }
  return text;
}

/** 14:03:56.958 of an RFC 3339 text in UTC, in the zone. */
export function clock(timestamp: string, zone: string, precision: Precision): string {
  return minuteIn(timestamp, zone).slice(11) + seconds(timestamp, precision);
}

/** 2026-11-25 14:03:56.958 */
export function dateTime(timestamp: string, zone: string, precision: Precision): string {
  return minuteIn(timestamp, zone) + seconds(timestamp, precision);
}

function seconds(timestamp: string, precision: Precision): string {
  const whole = timestamp.slice(16, 19);
  const digits = DIGITS[precision];
  if (!digits) return whole;
  const fraction = timestamp[19] === "." ? timestamp.slice(20, -1) : "";
  return `${whole}.${fraction.slice(0, digits).padEnd(digits, "0")}`;
}
