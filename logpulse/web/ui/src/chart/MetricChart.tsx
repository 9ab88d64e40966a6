import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import "uplot/dist/uPlot.min.css";
import { clockOf, formatInstant, MILLISECOND } from "../instant";
import type { MetricChartProps } from "../slots";
import "./metric.css";
import { coloursAt } from "./paint";
import { paletteOf } from "./palette";
import { draw, type Shape } from "./plot";
import { figure, type Line, type Plot, plotOf } from "./series";

const MANY = 100; // series; of more, only the greatest are drawn at first
const FEW = 20;
const MORE = 100; // series that "show more" adds
const ROWS = 500; // of the table, as many times
const TIP = 12; // series in the tooltip
const HEIGHT = 320;

const VIEWS = ["lines", "bars", "stacked", "table"] as const;
type View = (typeof VIEWS)[number];

/** The series of a metric query as a chart or as a table, with a legend that picks series. */
export default function MetricChart({ answer, span, zone, theme, onZoom }: MetricChartProps) {
  const plot = useMemo(() => plotOf(answer), [answer]);
  const [view, setView] = useState<View>("lines");
  const [limit, setLimit] = useState(plot.lines.length > MANY ? FEW : plot.lines.length);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const root = useRef<HTMLDivElement>(null);
  const [colours, setColours] = useState<readonly string[]>([]);

  useEffect(() => {
    setLimit(plot.lines.length > MANY ? FEW : plot.lines.length);
    setPicked(new Set());
  }, [plot]);
  useEffect(() => {
    if (root.current) setColours(paletteOf(plot.lines, coloursAt(root.current)));
  }, [plot, theme]);

  const listed = plot.lines.slice(0, limit);
  const visible = (line: Line) => picked.size === 0 || picked.has(line.name);
  const pick = (name: string, add: boolean) => {
    const only = picked.size === 1 && picked.has(name);
    if (!add) return setPicked(only ? new Set() : new Set([name]));
    const next = new Set(picked);
    if (!next.delete(name)) next.add(name);
    setPicked(next);
  };

  return (
    <div class="metric" ref={root}>
      <div class="metric-bar">
        <fieldset class="metric-views" aria-label="View">
          {VIEWS.map((name) => (
            <button key={name} type="button" aria-pressed={view === name} onClick={() => setView(name)}>
              {name}
            </button>
          ))}
        </fieldset>
        <span class="metric-note">
          {plot.lines.length.toLocaleString("en")} series, step {answer.step}
          {limit < plot.lines.length && ` · showing the ${limit} greatest`}
        </span>
        {limit < plot.lines.length && (
          <button type="button" class="metric-more" onClick={() => setLimit(Math.min(plot.lines.length, limit + MORE))}>
            Show more
          </button>
        )}
      </div>
      {plot.lines.length === 0 && <p class="metric-empty">No series: nothing in this range matches the query.</p>}
      {plot.lines.length > 0 && view !== "table" && (
        <Chart {...{ plot, span, zone, theme, onZoom }} shape={view} lines={listed} shown={visible} colours={colours} />
      )}
      {plot.lines.length > 0 && view === "table" && (
        <Table times={plot.times} lines={listed.filter(visible)} zone={zone} />
      )}
      {plot.lines.length > 0 && <Legend lines={listed} colours={colours} picked={picked} onPick={pick} />}
    </div>
  );
}

interface ChartProps extends Omit<MetricChartProps, "answer"> {
  plot: Plot;
  lines: readonly Line[];
  shown(line: Line): boolean;
  colours: readonly string[];
  shape: Shape;
}

function Chart({ plot, span, lines, shown, colours, shape, zone, theme, onZoom }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState<{ at: number; left: number } | null>(null);
  const [width, setWidth] = useState(0);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  const drawn = lines.map((line, at) => ({ line, colour: colours[at] ?? "#888888" })).filter(({ line }) => shown(line));
  const identity = drawn.map(({ line, colour }) => `${line.name} ${colour}`).join("\n");

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!host.current || width === 0) return;
    const chart = draw(host.current, {
      times: plot.times,
      lines: drawn.map(({ line }) => line),
      colours: drawn.map(({ colour }) => colour),
      shape,
      zone,
      span,
      height: HEIGHT,
      onZoom: (range) => zoom.current(range),
      onCursor: (at, left) => setCursor(at === null ? null : { at, left }),
    });
    return () => chart.destroy();
  }, [plot, span, identity, shape, zone, theme, width]);

  const time = cursor && plot.times[cursor.at];
  const rows = cursor
    ? drawn
        .map(({ line, colour }) => ({ name: line.name, colour, value: line.values[cursor.at] ?? null }))
        .filter(({ value }) => value !== null)
        .sort((left, right) => (right.value ?? 0) - (left.value ?? 0))
    : [];
  const right = cursor !== null && cursor.left > width / 2;
  return (
    <div
      class="metric-chart"
      ref={host}
      role="img"
      aria-label={`${shape} of ${drawn.length} series; the legend and the table have the numbers`}
    >
      {cursor && time && (
        <div
          class="metric-tooltip"
          style={right ? { right: `${width - cursor.left + 12}px` } : { left: `${cursor.left + 12}px` }}
        >
          <div>{formatInstant(BigInt(time) * MILLISECOND, clockOf(zone), 0)}</div>
          {rows.slice(0, TIP).map(({ name, colour, value }) => (
            <div key={name} class="metric-row">
              <i style={{ background: colour }} />
              <span>{name}</span>
              <b>{figure(value)}</b>
            </div>
          ))}
          {rows.length > TIP && <div>and {rows.length - TIP} more</div>}
        </div>
      )}
    </div>
  );
}

interface LegendProps {
  lines: readonly Line[];
  colours: readonly string[];
  picked: ReadonlySet<string>;
  onPick(name: string, add: boolean): void;
}

function Legend({ lines, colours, picked, onPick }: LegendProps) {
  return (
    <div class="metric-scroll">
      <table class="metric-legend">
        <thead>
          <tr>
            <th scope="col">Series</th>
            <th scope="col">Last</th>
            <th scope="col">Min</th>
            <th scope="col">Max</th>
            <th scope="col">Avg</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line, at) => (
            <tr key={line.name} data-off={picked.size === 0 || picked.has(line.name) ? undefined : ""}>
              <th scope="row">
                <button
                  type="button"
                  aria-pressed={picked.has(line.name)}
                  title="Only this series (Shift: add or take away)"
                  onClick={(event) => onPick(line.name, event.shiftKey)}
                >
                  <i style={{ background: colours[at] }} />
                  <span>{line.name}</span>
                </button>
              </th>
              {[line.last, line.min, line.max, line.mean].map((value, column) => (
                <td key={column}>{figure(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Table({ times, lines, zone }: { times: readonly number[]; lines: readonly Line[]; zone: string }) {
  const [rows, setRows] = useState(ROWS);
  const clock = clockOf(zone);
  const newest = times.map((time, at) => ({ time, at })).reverse();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section class="metric-scroll metric-values" tabIndex={0} aria-label="Values by time">
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map(({ name }) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newest.slice(0, rows).map(({ time, at }) => (
            <tr key={time}>
              <th scope="row">{formatInstant(BigInt(time) * MILLISECOND, clock, time % 1000 === 0 ? 0 : 3)}</th>
              {lines.map(({ name, values }) => (
                <td key={name} title={String(values[at] ?? "")}>
                  {figure(values[at] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows < newest.length && (
        <button type="button" class="metric-more" onClick={() => setRows(rows + ROWS)}>
          Show {Math.min(ROWS, newest.length - rows)} older of {newest.length - rows}
        </button>
      )}
    </section>
  );
}
