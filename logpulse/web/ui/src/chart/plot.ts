// A metric chart as uPlot draws it.

import uPlot from "uplot";
import type { TimeRange, Zone } from "../slots";
import { coloursAt } from "./paint";
import { figure, type Line, stacked } from "./series";
import { timeTicks } from "./ticks";

export type Shape = "lines" | "bars" | "stacked";

export interface PlotOptions {
  times: readonly number[];
  lines: readonly Line[];
  colours: readonly string[];
  shape: Shape;
  zone: Zone;
  /** Milliseconds since 1970 at both ends. */
  span: readonly [from: number, to: number];
  height: number;
  onZoom(range: TimeRange): void;
  /** The index of the time under the pointer, and its place in pixels; null where it left. */
  onCursor(at: number | null, left: number): void;
}

/** Draw into an element; the answer has to be destroyed. */
export function draw(element: HTMLElement, options: PlotOptions): uPlot {
  const { times, lines, colours, shape, zone } = options;
  const colour = coloursAt(element);
  const sums = shape === "lines" ? null : stacked(lines);
  const columns = sums ?? lines.map(({ values }) => values);
  const bars = uPlot.paths.bars?.({ size: [0.8, 40], align: 0 });
  const series = lines.map(
    ({ name }, at): uPlot.Series => ({
      label: name,
      stroke: colours[at] ?? "#888888",
      width: shape === "bars" ? 0 : 1.5,
      points: { show: shape === "lines" && times.length < 3 },
      ...(shape === "lines" ? {} : { fill: shape === "bars" ? (colours[at] ?? "") : `${colours[at] ?? ""}99` }),
      ...(shape === "bars" && bars ? { paths: bars } : {}),
    }),
  );
  if (shape === "bars") {
    // A bar of a stack covers those beneath it, so the highest is drawn first.
    series.reverse();
    columns.reverse();
  }
  // The upper line of a stack is filled down to the one beneath.
  const bands = sums?.slice(1).map((_, at): uPlot.Band => ({ series: [at + 2, at + 1] })) ?? [];
  const axis = { stroke: colour("--text3", "#888"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: colour("--border", "#888"), width: 0.5 };
  return new uPlot(
    {
      width: Math.max(100, element.clientWidth),
      height: options.height,
      ms: 1,
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: shape === "lines", size: 6 } },
      series: [{}, ...series],
      bands: shape === "stacked" ? bands : [],
      scales: { x: { time: true, range: () => [...options.span] }, y: { range: (_, min, max) => yRange(min, max) } },
      axes: [
        {
          ...axis,
          size: 28,
          grid: { show: false },
          splits: (plot, _, min, max) =>
            timeTicks(min, max, Math.max(2, Math.floor(plot.width / 90)), zone).map(({ at }) => at),
          values: (plot, splits) => {
            const { min = 0, max = 0 } = plot.scales.x ?? {};
            const ticks = timeTicks(min, max, Math.max(2, Math.floor(plot.width / 90)), zone);
            return splits.map((split) => ticks.find(({ at }) => at === split)?.text ?? "");
          },
        },
        { ...axis, grid, size: 56, values: (_, splits) => splits.map(figure) },
      ],
      hooks: {
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 4) return;
            const at = (pixel: number) => new Date(plot.posToVal(pixel, "x")).toISOString();
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            options.onZoom({ from: at(left), to: at(left + width) });
          },
        ],
        setCursor: [
          ({ cursor, bbox }) => options.onCursor(cursor.idx ?? null, (cursor.left ?? 0) + bbox.left / devicePixelRatio),
        ],
      },
    },
    [[...times], ...columns],
    element,
  );
}

// Rates and counts are read from nothing upwards; only what goes below has another floor.
function yRange(min: number | null, max: number | null): [number, number] {
  const low = Math.min(0, min ?? 0);
  const high = Math.max(0, max ?? 0);
  const margin = (high - low || 1) * 0.05;
  return [low === 0 ? 0 : low - margin, high === 0 && low < 0 ? 0 : high + margin];
}
