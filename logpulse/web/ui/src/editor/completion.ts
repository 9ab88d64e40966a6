// Completion for CodeMirror: a place of the query (logql/complete.ts) and words of the server.

import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  type CompletionSource as EditorSource,
  pickedCompletion,
  selectedCompletion,
  startCompletion,
} from "@codemirror/autocomplete";
import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { type Place, placeAt, type Word } from "../logql/complete";
import { quote } from "../logql/quote";
import * as words from "../logql/words";
import type { CompletionSource } from "../slots";

const DEBOUNCE = 150; // milliseconds; typing is faster, so that only the last key of a burst asks the server
const MOST_SHOWN = 200;

/** Complete from what the server knows; nothing is asked while keys follow each other, and what is stale is aborted. */
export function completeFrom(source: () => CompletionSource): EditorSource {
  return async (context) => {
    const place = placeAt(context.state.doc.toString(), context.pos);
    if (place.kind === "none" || !isWanted(place, context)) return null;
    try {
      return await completionsAt(place, context, source());
    } catch {
      return null; // aborted, or the server is away: no completion is better than an error in somebody's typing; Run says what is wrong with the server
    }
  };
}

// Enter accepts what is selected, and runs the query otherwise: behind a complete part nothing opens by itself.
function isWanted(place: Place, context: CompletionContext): boolean {
  if (context.explicit) return true;
  if (place.kind === "stage" || place.kind === "operator" || place.kind === "comparison" || place.kind === "aggregated")
    return false;
  if (place.kind === "start") return place.from < context.pos;
  return true;
}

async function completionsAt(
  place: Exclude<Place, { kind: "none" }>,
  context: CompletionContext,
  source: CompletionSource,
): Promise<CompletionResult | null> {
  const fixed = (options: readonly Word[], validFor = /^\w*$/): CompletionResult => ({
    from: place.from,
    to: place.to,
    options: options.map(wordOption),
    validFor,
  });
  switch (place.kind) {
    case "start":
      return fixed([words.SELECTOR, ...words.FUNCTIONS]);
    case "expression":
      return fixed([words.SELECTOR, ...words.FUNCTIONS]);
    case "aggregated":
      return fixed(words.GROUPINGS);
    case "operator":
      return fixed(words.OPERATORS);
    case "comparison":
      return fixed(words.COMPARISONS);
    case "stage":
      return fixed(words.STAGES);
    case "range":
      return fixed(words.RANGES, /^\w*\]?$/);
    case "value":
    case "fieldValue":
      return await values(place, context, source);
    default:
      return await names(place, context, source);
  }
}

async function names(
  place: Extract<Place, { kind: "label" | "stageWord" | "field" | "comparison" | "grouping" | "unwrap" }>,
  context: CompletionContext,
  source: CompletionSource,
): Promise<CompletionResult | null> {
  const own = place.kind === "stageWord" ? words.STAGE_WORDS : place.kind === "unwrap" ? words.CONVERSIONS : [];
  const signal = await quiet(context);
  const asked = [
    place.kind === "label" || place.kind === "grouping" ? source.labels(signal) : Promise.resolve([]),
    place.basis !== "" ? source.fields(place.basis, signal) : Promise.resolve([]),
  ];
  const [labels = [], fields = []] = (await Promise.allSettled(asked)).map((one) =>
    one.status === "fulfilled" ? one.value : [],
  );
  if (signal.aborted) return null;
  const taken = place.kind === "label" ? [] : labels;
  const options: Completion[] = [
    ...labels.map((label): Completion => ({ label, type: "property", detail: "label" })),
    ...fields
      .filter((name) => !taken.includes(name))
      .map((label): Completion => ({ label, type: "variable", detail: "field" })),
    ...own.map(wordOption),
  ];
  return { from: place.from, to: place.to, options, validFor: /^\w*$/ };
}

async function values(
  place: Extract<Place, { kind: "value" | "fieldValue" }>,
  context: CompletionContext,
  source: CompletionSource,
): Promise<CompletionResult | null> {
  const signal = await quiet(context);
  const all = await source.values(place.name, "", signal);
  // A list that was cut at the server may lack what is typed: ask for that. A whole one is searched here, inside words too.
  const found = all.more && place.prefix ? await source.values(place.name, place.prefix, signal) : all;
  if (signal.aborted) return null;
  const typed = place.prefix.toLowerCase();
  const matching = found.values.filter(({ value }) => value.toLowerCase().includes(typed));
  const options = matching.slice(0, MOST_SHOWN).map(
    ({ value, count }): Completion => ({
      label: value,
      displayLabel: visible(value),
      type: "text",
      ...(count > 0 ? { detail: count.toLocaleString("en") } : {}),
      apply: (view, completion, from, to) => insert(view, completion, from, to, `${quote(value)}§`),
    }),
  );
  if (found.more || matching.length > MOST_SHOWN) {
    options.push({ label: "", displayLabel: "… type to narrow", type: "keyword", apply: () => undefined });
  }
  return { from: place.from, to: place.to, options, filter: false };
}

const BOOSTS: Readonly<Record<Word["type"], number>> = { parser: 2, keyword: 1, function: 0, operator: 0, range: 0 };

function wordOption({ label, detail, type, apply }: Word): Completion {
  const shown = { label, detail, type, boost: BOOSTS[type] };
  if (apply === label) return shown;
  return {
    ...shown,
    apply: (view, completion, from, to) => insert(view, completion, from, to, apply),
  };
}

/** Whether the word that Enter would insert stands there already, so that Enter may as well run the query. */
export function isTyped(state: EditorState): boolean {
  const selected = selectedCompletion(state);
  if (!selected || selected.apply !== undefined || selected.type === "property") return false;
  const { head } = state.selection.main;
  const word = state.sliceDoc(0, head).match(/\w*$/)?.[0];
  return word === selected.label;
}

function insert(view: EditorView, completion: Completion, from: number, to: number, template: string): void {
  const cursor = template.indexOf("§");
  const text = template.replace("§", "");
  // `{` brings its own `}`, which closeBrackets may have put there before.
  const end = text.endsWith("}") && view.state.sliceDoc(to, to + 1) === "}" ? to + 1 : to;
  view.dispatch({
    changes: { from, to: end, insert: text },
    selection: { anchor: from + (cursor < 0 ? text.length : cursor) },
    userEvent: "input.complete",
    annotations: pickedCompletion.of(completion),
    scrollIntoView: true,
  });
  if (cursor >= 0 && cursor < text.length) startCompletion(view);
}

/** Wait until no key follows; the signal is aborted when the answer is no longer wanted. */
function quiet(context: CompletionContext): Promise<AbortSignal> {
  const controller = new AbortController();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(controller.signal), context.explicit ? 0 : DEBOUNCE);
    context.addEventListener("abort", () => {
      clearTimeout(timer);
      controller.abort();
      resolve(controller.signal);
    });
  });
}

// Control characters would break the list's lines, and bidi ones turn it around.
function visible(value: string): string {
  const shown = value.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u00b7");
  return shown.length > 120 ? `${shown.slice(0, 119)}…` : shown || '""';
}
