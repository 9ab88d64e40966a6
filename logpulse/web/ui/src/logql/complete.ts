// What may stand at a place of a query that is still being typed. lezer's tree colours the text; where a text is broken it
// guesses (a half-typed parser is a label filter to it, and `{}` an error), so places are found from the words instead.

import { unquote } from "./quote";
import { logParts } from "./structure";
import { inComment, type Token, tokenize } from "./tokens";

/** Where the cursor is. from..to is replaced by what is picked; `basis` is the query in front of it, fit to be asked for fields. */
export type Place =
  | { kind: "none" }
  | { kind: "start" | "expression" | "operator" | "stage" | "range" | "aggregated"; from: number; to: number }
  | {
      kind: "label" | "stageWord" | "field" | "comparison" | "grouping" | "unwrap";
      from: number;
      to: number;
      basis: string;
    }
  | { kind: "value" | "fieldValue"; from: number; to: number; name: string; prefix: string; basis: string };

/** A word that LogQL itself has; `apply` is inserted, `§` in it marks where the cursor goes (none: behind it). */
export interface Word {
  label: string;
  detail: string;
  type: "function" | "keyword" | "operator" | "parser" | "range";
  apply: string;
}

const NONE: Place = { kind: "none" };
const MATCHES = new Set(["=", "!=", "=~", "!~"]);
const COMPARISONS = new Set([...MATCHES, "==", ">", ">=", "<", "<="]);
const LINE_OPERATORS = new Set(["|=", "|~", "|>", "!>"]);
const GROUPINGS = new Set(["by", "without", "on", "ignoring", "group_left", "group_right"]);
const ARITHMETIC = new Set(["+", "-", "*", "/", "%", "^", ">", ">=", "<", "<=", "==", "!="]);
const SET_WORDS = new Set(["and", "or", "unless", "bool"]);
const VECTOR_OPERATORS = new Set(
  "sum avg min max count stddev stdvar topk bottomk approx_topk sort sort_desc".split(" "),
);

/** Find out what is typed at the position; "none" in comments and texts of line filters. */
export function placeAt(text: string, position: number): Place {
  if (inComment(text, position)) return NONE;
  const tokens = tokenize(text.slice(0, position));
  const last = tokens.at(-1);
  const touches = last !== undefined && last.to === position;
  if (touches && last.kind === "range")
    return last.closed ? NONE : span("range", last.from + 1, rangeEnd(text, position));
  if (touches && last.kind === "string") {
    if (last.closed) return NONE;
    return atValue(text, tokens.slice(0, -1), last, position);
  }
  const typed = touches && last.kind === "name" ? last : null;
  if (touches && last.kind === "number") return NONE;
  const before = typed ? tokens.slice(0, -1) : tokens;
  const from = typed?.from ?? position;
  const to = wordEnd(text, position);
  const opened = openings(before).at(-1);
  if (opened?.text === "{") return inSelector(text, before, typed, from, to);
  if (opened && GROUPINGS.has(wordBefore(before, opened))) {
    return isListStart(before.at(-1)) ? { kind: "grouping", from, to, basis: basisOf(text, position) } : NONE;
  }
  const stages = pipeline(before);
  return stages ? inPipeline(text, stages, typed, from, to) : inMetric(before, from, to);
}

function inSelector(text: string, before: readonly Token[], typed: Token | null, from: number, to: number): Place {
  const previous = before.at(-1);
  if (isListStart(previous)) return { kind: "label", from, to, basis: "" };
  if (previous?.kind === "name" && !typed) return span("operator", from, from);
  if (previous && MATCHES.has(previous.text)) return valuePlace("value", before, from, to, typed?.text ?? "", text);
  return NONE;
}

function inPipeline(text: string, stages: readonly Token[], typed: Token | null, from: number, to: number): Place {
  const previous = stages.at(-1);
  const basis = basisOf(text, from);
  if (previous === undefined) return typed ? NONE : span("stage", from, from);
  if (previous.text === "|") return { kind: "stageWord", from, to, basis };
  const start = stages.findLastIndex((token) => token.text === "|" || LINE_OPERATORS.has(token.text));
  const opener = stages[start]?.text;
  if (opener !== "|") return previous.kind === "string" && !typed ? span("stage", from, from) : NONE;
  const word = stages[start + 1]?.text.toLowerCase() ?? "";
  const alone = start + 2 === stages.length;
  switch (word) {
    case "json":
    case "logfmt":
      if (alone && !typed) return span("stage", from, from);
      return alone || previous.text === "," || previous.kind === "flag" ? { kind: "field", from, to, basis } : NONE;
    case "unpack":
    case "decolorize":
    case "dedup":
      return typed ? NONE : span("stage", from, from);
    case "drop":
    case "keep":
      return alone || previous.text === "," ? { kind: "field", from, to, basis } : NONE;
    case "label_format":
      return alone || previous.text === "," || previous.text === "=" ? { kind: "field", from, to, basis } : NONE;
    case "unwrap":
      return alone || previous.text === "(" ? { kind: "unwrap", from, to, basis } : NONE;
    case "regexp":
    case "pattern":
    case "line_format":
      return alone || typed ? NONE : span("stage", from, from);
    default:
      return inFilter(text, stages, typed, from, to, basis);
  }
}

function inFilter(
  text: string,
  stages: readonly Token[],
  typed: Token | null,
  from: number,
  to: number,
  basis: string,
): Place {
  const previous = stages.at(-1);
  if (!previous) return NONE;
  if (["and", "or", ",", "("].includes(previous.text.toLowerCase())) return { kind: "field", from, to, basis };
  if (COMPARISONS.has(previous.text)) return valuePlace("fieldValue", stages, from, to, typed?.text ?? "", text);
  if (typed) return NONE;
  return previous.kind === "name" ? { kind: "comparison", from, to: from, basis } : span("stage", from, from);
}

function inMetric(before: readonly Token[], from: number, to: number): Place {
  const previous = before.at(-1);
  if (previous === undefined) return span("start", from, to);
  const word = previous.text.toLowerCase();
  if (previous.text === ")" && aggregates(before)) return span("aggregated", from, to);
  if (previous.kind === "name" && VECTOR_OPERATORS.has(word)) return span("aggregated", from, to);
  const open = previous.text === "(" || previous.text === "," || ARITHMETIC.has(previous.text) || SET_WORDS.has(word);
  return open ? span("expression", from, to) : NONE;
}

function atValue(text: string, before: readonly Token[], open: Token, position: number): Place {
  const operator = before.at(-1);
  if (!operator || !MATCHES.has(operator.text)) return NONE;
  const prefix = unquote(open.text);
  const to = stringEnd(text, open.from, position);
  if (openings(before).at(-1)?.text === "{") return valuePlace("value", before, open.from, to, prefix, text);
  const stages = pipeline(before);
  const start = stages?.findLastIndex((token) => token.text === "|" || LINE_OPERATORS.has(token.text)) ?? -1;
  const first = stages?.[start + 1]?.text.toLowerCase() ?? "";
  if (stages?.[start]?.text !== "|" || ["label_format", "json", "logfmt"].includes(first)) return NONE;
  return valuePlace("fieldValue", stages, open.from, to, prefix, text);
}

function valuePlace(
  kind: "value" | "fieldValue",
  before: readonly Token[],
  from: number,
  to: number,
  prefix: string,
  text: string,
): Place {
  const name = before.at(-2);
  if (name?.kind !== "name") return NONE;
  return { kind, from, to, name: name.text, prefix, basis: basisOf(text, from) };
}

/** The selector and the complete stages in front of the position. */
function basisOf(text: string, position: number): string {
  const part = logParts(text).findLast(({ from }) => from < position);
  if (!part?.closed) return "";
  const whole = part.stages.filter(
    (stage) => stage.to < position && stage.kind !== "unwrap" && stage.kind !== "ending",
  );
  const typing = part.stages.find((stage) => stage.from < position && stage.to >= position);
  const end = whole.filter((stage) => !typing || stage.to <= typing.from).at(-1)?.to ?? part.to;
  return text.slice(part.from, end).replace(/\s*\|\s*$/, "");
}

/** The words behind the last selector, where they are stages; null where the cursor is in no pipeline. */
function pipeline(before: readonly Token[]): readonly Token[] | null {
  const close = before.findLastIndex((token) => token.text === "}");
  if (close < 0) return null;
  let depth = 0;
  for (const token of before.slice(close + 1)) {
    if (token.kind === "range") return null;
    if (token.text === "(") depth++;
    if (token.text === ")" && --depth < 0) return null;
  }
  return before.slice(close + 1);
}

function openings(tokens: readonly Token[]): Token[] {
  const open: Token[] = [];
  for (const token of tokens) {
    if (token.text === "{" || token.text === "(") open.push(token);
    if (token.text === "}" || token.text === ")") open.pop();
  }
  return open;
}

function aggregates(before: readonly Token[]): boolean {
  let depth = 0;
  for (let at = before.length - 1; at >= 0; at--) {
    if (before[at]?.text === ")") depth++;
    if (before[at]?.text === "(" && --depth === 0)
      return VECTOR_OPERATORS.has(before[at - 1]?.text.toLowerCase() ?? "");
  }
  return false;
}

function wordBefore(tokens: readonly Token[], token: Token): string {
  return tokens[tokens.indexOf(token) - 1]?.text.toLowerCase() ?? "";
}

function isListStart(token: Token | undefined): boolean {
  return token?.text === "{" || token?.text === "," || token?.text === "(";
}

function wordEnd(text: string, position: number): number {
  return position + (/^\w*/.exec(text.slice(position))?.[0].length ?? 0);
}

function rangeEnd(text: string, position: number): number {
  return position + (/^\w*\]?/.exec(text.slice(position))?.[0].length ?? 0);
}

// A string that was just opened seems to run on to the next quote of the query; only a rest without syntax is its own.
function stringEnd(text: string, from: number, position: number): number {
  const whole = tokenize(text.slice(from))[0];
  if (!whole?.closed) return position;
  return /[,={}|]/.test(text.slice(position, from + whole.to)) ? position : from + whole.to;
}

function span(
  kind: "start" | "expression" | "operator" | "stage" | "range" | "aggregated",
  from: number,
  to: number,
): Place {
  return { kind, from, to };
}
