// The numbers behind a metric chart: one axis of time, names, figures of each series, stacks.

import { visible } from "../ansi";
import { quote } from "../logql/quote";
import type { Series, SeriesAnswer } from "../types";

/** A series on the common axis; null where it has no finite value. */
export interface Line {
  name: string;
  labels: Readonly<Record<string, string>>;
  values: (number | null)[];
  last: number | null;
  min: number | null;
  max: number | null;
  mean: number | null;
}

/** All series over `times` (milliseconds), those with the greatest values first. */
export interface Plot {
  times: number[];
  lines: Line[];
}

/** Lay the series of an answer on one axis. */
export function plotOf(answer: SeriesAnswer): Plot {
  const instants = new Set<number>();
  for (const { points } of answer.series) for (const [time] of points) instants.add(Date.parse(time));
  const times = [...instants].sort((left, right) => left - right);
  const index = new Map(times.map((time, at) => [time, at]));
  const shared = sharedLabels(answer.series);
  const telling = tellingLabel(answer.series, shared);
  const lines = answer.series.map((series) => lineOf(series, index, nameOf(series.labels, shared, telling)));
  return { times, lines: lines.sort(byGreatest) };
}

/** Sums of each line with those before it, for stacks; a gap counts as nothing. */
export function stacked(lines: readonly Line[]): number[][] {
  const sums: number[][] = [];
  for (const { values } of lines) {
    const below = sums.at(-1);
    sums.push(values.map((value, at) => (value ?? 0) + (below?.[at] ?? 0)));
  }
  return sums;
}

/** 1,204 · 0.0183 · 1.2M: four significant digits at most. */
export function figure(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size >= 1e6)
    return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 }).format(value);
  if (size > 0 && size < 1e-4) return value.toExponential(2);
  return new Intl.NumberFormat(
    "en",
    size >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 },
  ).format(value);
}

function lineOf({ labels, points }: Series, index: ReadonlyMap<number, number>, name: string): Line {
  const values = new Array<number | null>(index.size).fill(null);
  const finite: number[] = [];
  for (const [time, value] of points) {
    const at = index.get(Date.parse(time));
    if (at === undefined || typeof value !== "number" || !Number.isFinite(value)) continue;
    values[at] = value;
    finite.push(value);
  }
  let min: number | null = null;
  let max: number | null = null;
  let sum = 0;
  for (const value of finite) {
    min = min === null || value < min ? value : min;
    max = max === null || value > max ? value : max;
    sum += value;
  }
  const mean = finite.length > 0 ? sum / finite.length : null;
  return { name, labels, values, last: finite.at(-1) ?? null, min, max, mean };
}

/** What tells the series from the others: its labels without those that all share; values alone where one label tells all. */
function nameOf(labels: Readonly<Record<string, string>>, shared: ReadonlySet<string>, telling: string | null): string {
  if (telling !== null) return visible((Object.hasOwn(labels, telling) && labels[telling]) || "") || `${telling}=""`;
  const all = Object.keys(labels).sort();
  if (all.length === 0) return "all";
  const own = all.filter((name) => !shared.has(name));
  return braced(labels, own.length > 0 ? own : all);
}

/** The one label besides the shared ones; a series without it has it empty. Null where there is none or are several. */
function tellingLabel(all: readonly Series[], shared: ReadonlySet<string>): string | null {
  const names = new Set(all.flatMap(({ labels }) => Object.keys(labels).filter((name) => !shared.has(name))));
  const [only] = names;
  return names.size === 1 && only !== undefined ? only : null;
}

function braced(labels: Readonly<Record<string, string>>, names: readonly string[]): string {
  return visible(`{${names.map((name) => `${name}=${quote(labels[name] ?? "")}`).join(", ")}}`);
}

function sharedLabels(all: readonly Series[]): Set<string> {
  const [first, ...others] = all;
  if (!first || others.length === 0) return new Set();
  return new Set(
    Object.keys(first.labels).filter((name) => others.every(({ labels }) => labels[name] === first.labels[name])),
  );
}

function byGreatest(left: Line, right: Line): number {
  return (
    (right.max ?? Number.NEGATIVE_INFINITY) - (left.max ?? Number.NEGATIVE_INFINITY) ||
    (left.name < right.name ? -1 : 1)
  );
}
