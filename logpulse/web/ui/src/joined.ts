// The parts that other files build and the shell needs at once. Where they are missing, plain stand-ins keep the page usable.

import type { BuildModule, TimeModule, TimeRange } from "./slots";

const timeFound = import.meta.glob<TimeModule>("./time.ts", { eager: true })["./time.ts"];
const buildFound = import.meta.glob<BuildModule>("./logql/build.ts", { eager: true })["./logql/build.ts"];

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

function resolveTime(text: string, now: number): string | null {
  const relative = /^now(?:-(\d+)([smhdw]))?$/.exec(text.trim());
  if (relative) {
    return new Date(now - Number(relative[1] ?? 0) * (SECONDS[relative[2] ?? "s"] ?? 1) * 1000).toISOString();
  }
  return Number.isNaN(Date.parse(text)) ? null : text;
}

function shiftRange(range: TimeRange, halves: number, now: number): TimeRange {
  const [from, to] = ends(range, now);
  const by = ((to - from) / 2) * halves;
  return { from: new Date(from + by).toISOString(), to: new Date(to + by).toISOString() };
}

function zoomOut(range: TimeRange, now: number): TimeRange {
  const [from, to] = ends(range, now);
  const by = (to - from) / 2;
  return { from: new Date(from - by).toISOString(), to: new Date(Math.min(to + by, now)).toISOString() };
}

function ends(range: TimeRange, now: number): [number, number] {
  return [Date.parse(resolveTime(range.from, now) ?? ""), Date.parse(resolveTime(range.to, now) ?? "")];
}

const timeStandIn: TimeModule = {
  resolveTime,
  shiftRange,
  zoomOut,
  describeRange: ({ from, to }) =>
    to === "now" && from.startsWith("now-") ? `Last ${from.slice(4)}` : `${from} – ${to}`,
};

const buildStandIn: BuildModule = {
  includeValue: (query, kind, name, value) => withFilter(query, kind, `${name}=${JSON.stringify(value)}`),
  excludeValue: (query, kind, name, value) => withFilter(query, kind, `${name}!=${JSON.stringify(value)}`),
  hasField: (query, kind, name) => withFilter(query, kind, `${name}!=""`),
  addLineFilter: (query, text) => `${query} |= ${JSON.stringify(text)}`,
  selectorOf: (labels) =>
    `{${Object.entries(labels)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(", ")}}`,
  lineFilters: (query) =>
    [...query.matchAll(/\|([=~])\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)/g)].map((found) => ({
      text: found[3] ?? (found[2] ?? "").replace(/\\(.)/g, "$1"),
      regex: found[1] === "~",
    })),
  plainText: (query) =>
    /^\s*[{(]|^\s*[a-z_]+\s*(?:\(|by\b|without\b)|^\s*[-\d]/.test(query) || !query.trim()
      ? null
      : `{} |= ${JSON.stringify(query.trim())}`,
};

function withFilter(query: string, kind: string, matcher: string): string {
  if (kind === "label" && query.startsWith("{"))
    return query.replace("{", `{${matcher}${/^\{\s*\}/.test(query) ? "" : ", "}`);
  const parser = (kind === "json" || kind === "logfmt") && !query.includes(`| ${kind}`) ? ` | ${kind}` : "";
  return `${query}${parser} | ${matcher}`;
}

export const time: TimeModule = timeFound ?? timeStandIn;
export const build: BuildModule = buildFound ?? buildStandIn;
