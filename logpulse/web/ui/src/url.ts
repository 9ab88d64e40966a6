// What the page shows, as its address says it, and back. Pure: history is the business of state.ts.

import type { Precision } from "./format";
import { type Instant, isZone, parseInstant } from "./instant";
import { LEVELS, type Level } from "./levels";
import type { Entry } from "./types";

export const VIEWS = ["search", "labels", "patterns", "health"] as const;
export type View = (typeof VIEWS)[number];

export type Direction = "backward" | "forward";

/** Everything visible; theme and widths are the browser's own and stand in localStorage. */
export interface Place {
  query: string;
  from: string;
  to: string;
  zone: string;
  direction: Direction;
  limit: number;
  columns: readonly string[];
  levels: readonly Level[];
  wrap: boolean;
  precision: Precision;
  view: View;
  live: boolean;
  /** `<ns>.<id>` of the selected line; empty: none. */
  selected: string;
  /** The same of the line whose context is open. */
  context: string;
}

export const DEFAULT: Place = {
  query: "{}",
  from: "now-1h",
  to: "now",
  zone: "local",
  direction: "backward",
  limit: 1000,
  columns: [],
  levels: [],
  wrap: false,
  precision: "ms",
  view: "search",
  live: false,
  selected: "",
  context: "",
};

/** Above this many bytes the query goes into the hash, as servers and proxies bound the length of a request line. */
const QUERY_IN_SEARCH = 4096;

/** As many lines as one page of results may have. */
const LIMIT_MAX = 5000;

/** The place of an address, and the names of parameters that mean nothing here; what cannot be read is the default. */
export function readPlace(search: string, hash: string): { place: Place; unknown: string[] } {
  const parameters = new URLSearchParams(search);
  const fragment = new URLSearchParams(hash.replace(/^#/, ""));
  const one = <T extends string>(name: string, allowed: readonly T[], otherwise: T): T =>
    allowed.find((value) => value === parameters.get(name)) ?? otherwise;
  const zone = parameters.get("tz") ?? DEFAULT.zone;
  const limit = Number(parameters.get("limit"));
  const place: Place = {
    query: fragment.get("q") ?? parameters.get("q") ?? DEFAULT.query,
    from: parameters.get("from") || DEFAULT.from,
    to: parameters.get("to") || DEFAULT.to,
    zone: isZone(zone) ? zone : DEFAULT.zone,
    direction: parameters.get("dir") === "forward" ? "forward" : "backward",
    limit: Number.isInteger(limit) && limit > 0 ? Math.min(limit, LIMIT_MAX) : DEFAULT.limit,
    columns: list(parameters.get("cols")),
    levels: list(parameters.get("lv")).filter((word): word is Level => LEVELS.some((level) => level === word)),
    wrap: parameters.get("wrap") === "1",
    precision: one("ts", ["s", "ms", "ns"], DEFAULT.precision),
    view: one("view", VIEWS, DEFAULT.view),
    live: parameters.get("live") === "1",
    selected: parameters.get("sel") ?? "",
    context: parameters.get("ctx") ?? "",
  };
  const unknown = [...new Set(parameters.keys())].filter((name) => !NAMES.has(name));
  return { place, unknown };
}

const NAMES: ReadonlySet<string> = new Set([
  "q",
  "from",
  "to",
  "tz",
  "dir",
  "limit",
  "cols",
  "lv",
  "wrap",
  "ts",
  "view",
  "live",
  "sel",
  "ctx",
]);

/** The address of a place, relative to the page: `?…` with what differs from the default, then maybe `#q=…`. */
export function writePlace(place: Place): string {
  const parameters = new URLSearchParams();
  const set = (name: string, value: string, otherwise: string) => {
    if (value !== otherwise) parameters.set(name, value);
  };
  const long = new TextEncoder().encode(place.query).length > QUERY_IN_SEARCH;
  if (!long) set("q", place.query, DEFAULT.query);
  set("from", place.from, DEFAULT.from);
  set("to", place.to, DEFAULT.to);
  set("tz", place.zone, DEFAULT.zone);
  set("dir", place.direction, DEFAULT.direction);
  set("limit", String(place.limit), String(DEFAULT.limit));
  set("cols", place.columns.map(listed).join(","), "");
  set("lv", place.levels.join(","), "");
  set("wrap", place.wrap ? "1" : "", "");
  set("ts", place.precision, DEFAULT.precision);
  set("view", place.view, DEFAULT.view);
  set("live", place.live ? "1" : "", "");
  set("sel", place.selected, "");
  set("ctx", place.context, "");
  const search = parameters.toString();
  const fragment = long ? `#${new URLSearchParams({ q: place.query })}` : "";
  return `${search ? `?${search}` : "."}${fragment}`;
}

// Names of metadata may hold commas.
function listed(name: string): string {
  return name.replace(/[%,]/g, encodeURIComponent);
}

function list(text: string | null): string[] {
  if (!text) return [];
  return [...new Set(text.split(",").filter(Boolean).map(unlisted))];
}

function unlisted(name: string): string {
  return name.replaceAll("%2C", ",").replaceAll("%25", "%");
}

/** `<ns>.<id>` in its two parts; null where it is none. */
export function readSelected(text: string): { at: Instant; id: string } | null {
  const found = /^(\d{1,19})\.(.+)$/.exec(text);
  return found?.[1] && found[2] ? { at: BigInt(found[1]), id: found[2] } : null;
}

/** How the address names an entry. */
export function writeSelected({ timestamp, id }: Pick<Entry, "timestamp" | "id">): string {
  return `${parseInstant(timestamp) ?? 0n}.${id}`;
}

/** Whether two places show the same entries, however they show them. */
export function isSameSearch(one: Place, other: Place): boolean {
  const names = ["query", "from", "to", "direction", "limit", "live"] as const;
  return names.every((name) => one[name] === other[name]);
}
