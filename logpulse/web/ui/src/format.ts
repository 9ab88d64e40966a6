// Numbers, sizes, durations and times of day as people read them.

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

const minutes = new WeakMap<Intl.DateTimeFormat, Map<string, string>>();
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-CA", {
      ...(zone === "local" ? {} : { timeZone: zone }),
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    formats.set(zone, format);
  }
  return format;
}

/** Whether the browser knows a zone by this name; `local` and `UTC` always. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

// A row is drawn in microseconds, Intl is slower by far: the minute is formatted once, the rest is cut from the text.
function minuteIn(timestamp: string, zone: string): string {
  const minute = timestamp.slice(0, 16);
  if (zone === "UTC") return minute.replace("T", " ");
  const format = formatOf(zone);
  let known = minutes.get(format);
  if (!known || known.size > 5000) {
    known = new Map();
    minutes.set(format, known);
  }
  let text = known.get(minute);
  if (text === undefined) {
    const parts = new Map(format.formatToParts(new Date(`${minute}:00Z`)).map((part) => [part.type, part.value]));
    const get = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? "";
    text = `${get("year")}-${get("month")}-${get("day")} ${get("hour")}:${get("minute")}`;
    known.set(minute, text);
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

/** Milliseconds since 1970 of an RFC 3339 text; what is below is lost. */
export function milliseconds(timestamp: string): number {
  return Date.parse(timestamp);
}

/** Nanoseconds since 1970 of an RFC 3339 text in UTC, as digits: what permalinks hold. */
export function nanoseconds(timestamp: string): string {
  const seconds = BigInt(Math.floor(Date.parse(`${timestamp.slice(0, 19)}Z`) / 1000));
  const fraction = timestamp[19] === "." ? timestamp.slice(20, -1) : "";
  return String(seconds * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0")));
}

/** RFC 3339 of nanoseconds since 1970, `by` more. */
export function timestampOf(ns: string, by = 0n): string {
  const value = BigInt(ns) + by;
  const second = value / 1_000_000_000n;
  const rest = String(value % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${new Date(Number(second) * 1000).toISOString().slice(0, 19)}${rest ? `.${rest}` : ""}Z`;
}
