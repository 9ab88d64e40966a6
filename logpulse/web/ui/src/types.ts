// What the server answers; docs/api.md is the contract.

/** One entry, as /query, /context, /export and /stream show it. Times are RFC 3339 text, as nanoseconds exceed numbers. */
export interface Entry {
  id: string;
  timestamp: string;
  level: string;
  message: string;
  labels: Record<string, string>;
  metadata: Record<string, string>;
  context?: true;
}

export interface QueryStats {
  queriedChunks: number;
  scannedLines: number;
  scannedBytes: number;
  executionTime: number;
  streams: number;
  segments: number;
  skippedChunks: number;
  exactLines: number;
  phases: { plan: number; scan: number; exact: number; evaluate: number };
}

export interface LogsAnswer {
  logs: Entry[];
  stats: QueryStats;
  next: string | null;
}

export interface Series {
  labels: Record<string, string>;
  points: [time: string, value: number | string][];
}

export interface SeriesAnswer {
  series: Series[];
  step: string;
  stats: QueryStats;
}

export interface LevelVolume {
  level: string;
  counts: number[];
  total: number;
}

export interface VolumeAnswer {
  start: string;
  end: string;
  step: string;
  times: string[];
  levels: LevelVolume[];
  total: number;
  estimated: boolean;
  stats: QueryStats;
}

export interface ContextAnswer {
  entries: Entry[];
  found: boolean;
  earlier: boolean;
  later: boolean;
}

export interface ValueCount {
  value: string;
  count: number;
}

export interface LabelFacet {
  name: string;
  cardinality: number;
  values: ValueCount[];
}

export interface FieldFacet extends LabelFacet {
  type: string;
  cardinalityIsEstimated: boolean;
  /** By which parsers the lines give it; none for metadata. */
  parsers: string[];
}

export interface FieldsAnswer {
  labels: LabelFacet[];
  fields: FieldFacet[];
  sampledLines: number;
}

export interface Position {
  offset: number;
  line: number;
  column: number;
  length: number;
}

export interface ErrorAnswer {
  error: string;
  position?: Position;
  expected?: string[];
  hint?: string;
  limit?: string;
  value?: number | string;
  sent?: number | string;
  field?: string;
}

/** Of /parse: what a text is, or why it is nothing. */
export type ParseAnswer = { kind: "logs" | "metrics"; query: string } | ({ kind: null } & ErrorAnswer);

export interface Session {
  required: boolean;
  signedIn: boolean;
  version: string;
}
