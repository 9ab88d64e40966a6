// Edits of a query's text. All are pure, keep what they do not edit as it was typed, and give the text back unchanged
// where they cannot edit it.

import type { Search } from "../find";
import type { FieldKind } from "../slots";
import { isLabelName, quote, regexQuote, unquote } from "./quote";
import { isMetric, type LogPart, logParts, type Matcher, type MatchOperator, type Stage } from "./structure";
import { tokenize } from "./tokens";

/** What narrows a query and can be taken away: a matcher, a label filter of one comparison, or a line filter. */
export interface Chip {
  kind: "matcher" | "label" | "line";
  text: string;
  from: number;
  to: number;
}

interface Edit {
  from: number;
  to: number;
  text: string;
}

/** Keep only entries with this value: a matcher for labels, else a label filter behind the parser that it needs. */
export function includeValue(query: string, kind: FieldKind, name: string, value: string): string {
  if (!isLabelName(name)) return query;
  if (kind !== "label") return withFilter(query, kind, name, "=", value);
  if (tokenize(query).length === 0) return `{${matcherText(name, "=", value)}}`;
  return eachPart(query, (part) => {
    const own = part.matchers.filter((matcher) => matcher.name === name);
    const rest = part.matchers.filter((matcher) => matcher.name !== name).map((matcher) => textOf(query, matcher));
    const at = own[0] ? part.matchers.slice(0, part.matchers.indexOf(own[0])).length : rest.length;
    if (own.length === 1 && own[0]?.operator === "=" && own[0].value === value) return [];
    return selectorEdit(part, rest.toSpliced(at, 0, matcherText(name, "=", value)));
  });
}

/** Leave out entries with this value. */
export function excludeValue(query: string, kind: FieldKind, name: string, value: string): string {
  if (!isLabelName(name)) return query;
  if (kind !== "label") return withFilter(query, kind, name, "!=", value);
  if (tokenize(query).length === 0) return `{${matcherText(name, "!=", value)}}`;
  return eachPart(query, (part) => {
    if (part.matchers.some((matcher) => isMatch(matcher, name, "!=", value))) return [];
    const kept = part.matchers.filter((matcher) => !isMatch(matcher, name, "=", value));
    const texts = kept.map((matcher) => textOf(query, matcher));
    return selectorEdit(part, [...texts, matcherText(name, "!=", value)]);
  });
}

/** Keep only entries that have the field. */
export function hasField(query: string, kind: FieldKind, name: string): string {
  if (!isLabelName(name)) return query;
  if (kind !== "label") return withFilter(query, kind, name, "!=", "");
  if (tokenize(query).length === 0) return `{${name}=~".+"}`;
  return eachPart(query, (part) => {
    if (part.matchers.some((matcher) => matcher.name === name && selects(matcher))) return [];
    return selectorEdit(part, [...part.matchers.map((matcher) => textOf(query, matcher)), `${name}=~".+"`]);
  });
}

/** Keep only lines that contain the text as it is shown, and so behind what changes lines. */
export function addLineFilter(query: string, text: string): string {
  return text === "" ? query : withLine(query, "|=", text);
}

/** Keep only lines that what was sought in the loaded ones is in; regular expressions are RE2's. */
export function addSearch(query: string, { text, regex, matchCase }: Search): string {
  if (text === "") return query;
  if (!regex && (matchCase || text.toLowerCase() === text.toUpperCase())) return addLineFilter(query, text);
  return withLine(query, "|~", `${matchCase ? "" : "(?i)"}${regex ? text : regexQuote(text)}`);
}

/** Keep only lines of this pattern (`<_>` stands for anything), or leave them out. */
export function addPattern(query: string, operator: "|>" | "!>", pattern: string): string {
  return withLine(query, operator, pattern);
}

function withLine(query: string, operator: "|=" | "|~" | "|>" | "!>", text: string): string {
  return eachPart(query, (part) => {
    if (part.stages.some((stage) => stage.word === operator && stage.texts.length === 1 && stage.texts[0] === text))
      return [];
    const reshaped = part.stages.some((stage) => stage.word === "line_format" || stage.word === "decolorize");
    const first = part.stages.findIndex((stage) => stage.kind !== "line");
    const lines = first < 0 ? part.stages : part.stages.slice(0, first);
    const at = reshaped ? pipelineEnd(part) : (lines.at(-1)?.to ?? part.to);
    return [...closing(part), { from: at, to: at, text: ` ${operator} ${quote(text)}` }];
  });
}

/** Write the selector that picks one stream exactly. */
export function selectorOf(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels).sort();
  return `{${names.map((name) => matcherText(name, "=", labels[name] ?? "")).join(", ")}}`;
}

/** The texts that line filters `|=` and `|~` look for, for highlighting; regular expressions as RE2 wrote them. */
export function lineFilters(query: string): { text: string; regex: boolean }[] {
  const stages = logParts(query)[0]?.stages ?? [];
  return stages
    .filter((stage) => stage.word === "|=" || stage.word === "|~")
    .flatMap((stage) => stage.texts.map((text) => ({ text, regex: stage.word === "|~" })))
    .filter((filter) => filter.text !== "");
}

/** What narrows the query, in its order, for removable chips. */
export function chipsOf(query: string): Chip[] {
  return logParts(query).flatMap((part, index) => {
    if (index > 0) return []; // further selectors repeat the first in nearly every metric query
    const chips: Chip[] = part.matchers.map((matcher) => ({
      kind: "matcher",
      text: textOf(query, matcher),
      from: matcher.from,
      to: matcher.to,
    }));
    for (const stage of part.stages) {
      if (stage.kind === "line")
        chips.push({ kind: "line", text: textOf(query, stage), from: stage.from, to: stage.to });
      else if (stage.matcher) {
        chips.push({ kind: "label", text: textOf(query, stage.matcher), from: stage.from, to: stage.to });
      }
    }
    return chips;
  });
}

/** Take a chip away; without matchers a query is about all streams. */
export function withoutChip(query: string, chip: Chip): string {
  const part = logParts(query)[0];
  if (!part) return query;
  if (chip.kind !== "matcher") {
    const before = query.slice(0, chip.from).replace(/[ \t]+$/, "");
    return before + query.slice(chip.to);
  }
  const kept = part.matchers.filter((matcher) => matcher.from !== chip.from);
  return apply(
    query,
    selectorEdit(
      part,
      kept.map((matcher) => textOf(query, matcher)),
    ),
  );
}

/** LogQL for a text that is not LogQL: search it in all streams. Null where it looks like LogQL. */
export function plainText(query: string): string | null {
  const text = query.trim();
  if (text === "" || /^[{(#\d.+-]/.test(text) || /^[a-z_]+\s*\(/i.test(text) || /^[a-z_]+\s+(by|without)\b/i.test(text))
    return null;
  if (/^[a-zA-Z_]\w*\s*(=~|!=|!~|=)\s*"/.test(text) && logParts(`{${text}}`)[0]?.closed) return `{${text}}`;
  const first = tokenize(text)[0];
  const quoted = first?.kind === "string" && first.closed && first.to === text.length;
  return `{} |= ${quote(quoted ? unquote(text) : text)}`;
}

export { isMetric };

function withFilter(query: string, kind: FieldKind, name: string, operator: MatchOperator, value: string): string {
  const opposite: MatchOperator = operator === "=" ? "!=" : "=";
  return eachPart(query, (part) => {
    const filters = part.stages.filter((stage): stage is Stage & { matcher: Matcher } => stage.matcher !== null);
    if (filters.some(({ matcher }) => isMatch(matcher, name, operator, value))) return [];
    const turned = filters.find(({ matcher }) => isMatch(matcher, name, opposite, value));
    const text = matcherText(name, operator, value);
    if (turned) return [{ from: turned.matcher.from, to: turned.matcher.to, text }];
    const parser = kind === "json" || kind === "logfmt" ? kind : "";
    const missing = parser !== "" && !part.stages.some((stage) => stage.word === parser);
    const at = pipelineEnd(part);
    return [...closing(part), { from: at, to: at, text: `${missing ? ` | ${parser}` : ""} | ${text}` }];
  });
}

// Behind `unwrap` only label filters may stand, and behind `dedup` and `context` nothing.
function pipelineEnd(part: LogPart): number {
  const last = part.stages.findIndex((stage) => stage.kind === "unwrap" || stage.kind === "ending");
  return (last < 0 ? part.stages.at(-1) : part.stages[last - 1])?.to ?? part.to;
}

function eachPart(query: string, edit: (part: LogPart) => Edit[]): string {
  return apply(query, logParts(query).flatMap(edit));
}

function apply(query: string, edits: readonly Edit[]): string {
  let text = query;
  for (const edit of [...edits].reverse()) text = text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  return text;
}

function selectorEdit(part: LogPart, matchers: readonly string[]): Edit[] {
  return [{ from: part.from, to: part.to, text: `{${matchers.join(", ")}}` }];
}

function closing(part: LogPart): Edit[] {
  return part.closed ? [] : [{ from: part.to, to: part.to, text: "}" }];
}

function matcherText(name: string, operator: MatchOperator, value: string): string {
  return `${name}${operator}${quote(value)}`;
}

function textOf(query: string, span: { from: number; to: number }): string {
  return query.slice(span.from, span.to);
}

function isMatch(matcher: Matcher, name: string, operator: MatchOperator, value: string): boolean {
  return matcher.name === name && matcher.operator === operator && matcher.value === value;
}

// Whether an absent label does not meet it.
function selects(matcher: Matcher): boolean {
  if (matcher.operator === "=") return matcher.value !== "";
  return matcher.operator === "=~" && matcher.value !== "" && matcher.value !== ".*";
}
