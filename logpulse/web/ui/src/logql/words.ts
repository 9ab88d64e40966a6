// The words of LogQL that completion offers, by place.

import type { Word } from "./complete";

const RANGE_FUNCTIONS: readonly [string, string][] = [
  ["rate", "lines a second"],
  ["count_over_time", "lines in each range"],
  ["bytes_rate", "bytes a second"],
  ["bytes_over_time", "bytes in each range"],
  ["absent_over_time", "1 where there are no lines"],
  ["rate_counter", "growth of an unwrapped counter a second"],
  ["sum_over_time", "sum of an unwrapped field"],
  ["avg_over_time", "mean of an unwrapped field"],
  ["min_over_time", "least value of an unwrapped field"],
  ["max_over_time", "greatest value of an unwrapped field"],
  ["quantile_over_time", "quantile of an unwrapped field"],
  ["first_over_time", "first value of an unwrapped field"],
  ["last_over_time", "last value of an unwrapped field"],
  ["stddev_over_time", "standard deviation of an unwrapped field"],
  ["stdvar_over_time", "variance of an unwrapped field"],
];

const VECTOR_FUNCTIONS: readonly [string, string][] = [
  ["sum", "sum of series"],
  ["avg", "mean of series"],
  ["min", "least of series"],
  ["max", "greatest of series"],
  ["count", "number of series"],
  ["topk", "the k greatest series"],
  ["bottomk", "the k least series"],
  ["approx_topk", "the k greatest series, estimated"],
  ["sort", "series by value"],
  ["sort_desc", "series by value, greatest first"],
  ["stddev", "standard deviation across series"],
  ["stdvar", "variance across series"],
];

const PARSERS: readonly [string, string, string?][] = [
  ["json", "fields of JSON lines"],
  ["logfmt", "fields of key=value lines"],
  ["pattern", "fields by a template", 'pattern "<§>"'],
  ["regexp", "fields by named groups", "regexp `(?P<name>§)`"],
  ["unpack", "labels packed by an agent"],
];

const FORMATS: readonly [string, string, string?][] = [
  ["line_format", "rewrite the line", 'line_format "{{.§}}"'],
  ["label_format", "rename or write labels", "label_format §"],
  ["decolorize", "take colour codes out"],
  ["drop", "drop labels", "drop §"],
  ["keep", "keep only these labels", "keep §"],
  ["unwrap", "take a field as the value", "unwrap §"],
  ["dedup", "show equal lines once"],
  ["context", "show lines around each match", "context before=5 after=5"],
];

const LINE_FILTERS: readonly [string, string][] = [
  ["|=", "line contains"],
  ["!=", "line does not contain"],
  ["|~", "line matches a regular expression"],
  ["!~", "line does not match"],
  ["|>", "line has the pattern"],
  ["!>", "line has not the pattern"],
];

const MATCH_OPERATORS: readonly [string, string][] = [
  ["=", "equals"],
  ["!=", "does not equal"],
  ["=~", "matches a regular expression"],
  ["!~", "does not match"],
];

const ORDERS: readonly [string, string][] = [
  [">", "greater (number, duration, bytes)"],
  [">=", "at least"],
  ["<", "less"],
  ["<=", "at most"],
];

const named = (type: Word["type"], words: readonly (readonly [string, string, string?])[]): Word[] =>
  words.map(([label, detail, apply]) => ({ label, detail, type, apply: apply ?? label }));
const called = (words: readonly [string, string][], inner: string): Word[] =>
  words.map(([label, detail]) => ({ label, detail, type: "function", apply: `${label}(${inner})` }));

/** Functions, in a metric query or at its beginning. `§` marks where the cursor goes. */
export const FUNCTIONS: readonly Word[] = [...called(RANGE_FUNCTIONS, "{§}[5m]"), ...called(VECTOR_FUNCTIONS, "§")];

/** The beginning of a log query. */
export const SELECTOR: Word = { label: "{", detail: "select streams by their labels", type: "operator", apply: "{§}" };

/** Words behind `|`. */
export const STAGE_WORDS: readonly Word[] = [...named("parser", PARSERS), ...named("keyword", FORMATS)];

/** Whole stages, behind a selector or another stage. */
export const STAGES: readonly Word[] = [
  ...LINE_FILTERS.map(([label, detail]): Word => ({ label, detail, type: "operator", apply: `${label} "§"` })),
  ...STAGE_WORDS.map((word) => ({ ...word, label: `| ${word.label}`, apply: `| ${word.apply}` })),
];

export const OPERATORS: readonly Word[] = named("operator", MATCH_OPERATORS);

export const COMPARISONS: readonly Word[] = [...OPERATORS, ...named("operator", ORDERS)];

export const RANGES: readonly Word[] = ["1m", "5m", "10m", "30m", "1h", "6h", "1d"].map((label) => ({
  label,
  detail: "",
  type: "range",
  apply: `${label}]`,
}));

export const CONVERSIONS: readonly Word[] = called(
  [
    ["duration", "seconds of a duration"],
    ["duration_seconds", "seconds of a duration"],
    ["bytes", "bytes of a size"],
  ],
  "§",
);

export const GROUPINGS: readonly Word[] = [
  { label: "by", detail: "keep these labels", type: "keyword", apply: "by (§)" },
  { label: "without", detail: "drop these labels", type: "keyword", apply: "without (§)" },
];
