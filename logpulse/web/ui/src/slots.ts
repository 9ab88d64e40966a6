// What the parts that load after the first paint are given. Each is the default export of its module:
//   editor/Editor.tsx  chart/Histogram.tsx  chart/MetricChart.tsx  facets/Facets.tsx  TimePicker.tsx
// Components are controlled: they show what they are given and call back; they never fetch, but for the completion source.

import type { Level } from "./levels";
import type { ErrorAnswer, FieldsAnswer, Position, SeriesAnswer, ValueCount, VolumeAnswer } from "./types";

/** Times as they stand in the URL: `now-1h`, `now`, RFC 3339 with up to nine fractional digits. */
export interface TimeRange {
  from: string;
  to: string;
}

/** A time zone by its IANA name, or `local`, or `UTC`. */
export type Zone = string;

/** Where completion gets its words from; every call may be aborted, is cached by the caller's range and rejects with AbortError. */
export interface CompletionSource {
  /** Label names in the range. */
  labels(signal: AbortSignal): Promise<string[]>;
  /** Values of a label in the range, the most frequent first; `more` where the list was cut. */
  values(label: string, prefix: string, signal: AbortSignal): Promise<{ values: ValueCount[]; more: boolean }>;
  /** Names of fields detected in the newest lines of this query. */
  fields(query: string, signal: AbortSignal): Promise<string[]>;
  /** The server's judgement of a text while it is typed; null where it is well formed or the server cannot tell. */
  parse(query: string, signal: AbortSignal): Promise<ErrorAnswer | null>;
}

export interface EditorProps {
  value: string;
  /** The answer to the last run, if it was refused; its `position` is squiggled. */
  error: (ErrorAnswer & { position?: Position }) | null;
  onChange(text: string): void;
  /** Enter and Ctrl+Enter. */
  onRun(): void;
  source: CompletionSource;
  /** For `EditorView.cspNonce`, from the page's nonce slot; empty where the page has none. */
  nonce: string;
  /** Called once with a function that focuses the editor (the key `q`). */
  onReady?(focus: () => void): void;
}

export interface HistogramProps {
  volume: VolumeAnswer | null;
  /** The answer belongs to an earlier range and a newer one is on its way: draw it dimmed. */
  loading: boolean;
  /** Levels shown; empty: all. */
  levels: readonly Level[];
  zone: Zone;
  /** Changes when colours have to be read anew. */
  theme: string;
  /** Brushed, a bucket clicked, or Enter at the cursor; RFC 3339. Pushes history. */
  onZoom(range: TimeRange): void;
  /** Double click: twice the range. */
  onZoomOut(): void;
  /** The legend: only this level, all if it is the only one; `add` (Shift) toggles it among the others. */
  onLevel(level: Level, add: boolean): void;
}

export interface FacetsProps {
  answer: FieldsAnswer | null;
  loading: boolean;
  query: string;
  /** Replaces the query's text and runs it. */
  onQuery(text: string): void;
  /** All values of a label or field that begin so. */
  values(name: string, prefix: string, signal: AbortSignal): Promise<{ values: ValueCount[]; more: boolean }>;
  /** Names shown as columns; ▤ toggles one. */
  columns: readonly string[];
  onColumn(name: string): void;
}

export interface TimePickerProps extends TimeRange {
  zone: Zone;
  onChange(range: TimeRange): void;
  onZone(zone: Zone): void;
  /** Seconds between automatic runs, 0: off. */
  refresh: number;
  onRefresh(seconds: number): void;
  /** Called once with a function that opens the picker (the key `t`). */
  onReady?(open: () => void): void;
}

export interface MetricChartProps {
  answer: SeriesAnswer;
  /** Milliseconds since 1970 that the chart spans: what was asked for, also where there is nothing. */
  span: readonly [from: number, to: number];
  zone: Zone;
  theme: string;
  onZoom(range: TimeRange): void;
}

/** Where a name of an entry comes from, as it decides how a query filters by it. */
export type FieldKind = "label" | "metadata" | "json" | "logfmt";
