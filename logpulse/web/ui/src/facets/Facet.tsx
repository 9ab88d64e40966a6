import { useEffect, useState } from "preact/hooks";
import { compact, count } from "../format";
import type { FacetsProps } from "../slots";
import type { FieldFacet, LabelFacet, ValueCount } from "../types";
import { ValueRow } from "./ValueRow";

const TOP = 10;
const HIGH = 10_000; // values; a label with more makes a stream of nearly every line
const DEBOUNCE = 150; // milliseconds

interface FacetProps {
  facet: LabelFacet | FieldFacet;
  /** Whether it begins unfolded. */
  open: boolean;
  column: boolean;
  selected(value: string): "in" | "out" | null;
  values: FacetsProps["values"];
  onColumn(): void;
  onInclude(value: string): void;
  onExclude(value: string): void;
}

/** One label or field: how many values, the most frequent of them, and all by searching. */
export function Facet({ facet, open, column, selected, values, onColumn, onInclude, onExclude }: FacetProps) {
  const [unfolded, setUnfolded] = useState(open);
  const [prefix, setPrefix] = useState("");
  const found = useSearch(facet.name, prefix, values);
  const list = prefix === "" ? facet.values.slice(0, TOP) : found.values;
  const most = Math.max(1, ...list.map((value) => value.count));
  const high = facet.cardinality > HIGH;
  const estimated = "cardinalityIsEstimated" in facet && facet.cardinalityIsEstimated;
  const total = `${estimated ? "≈ " : ""}${compact(facet.cardinality)}`;
  return (
    <section class="facet">
      <h3 class="facet-head">
        <button type="button" class="facet-name" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
          <span class="facet-fold" aria-hidden="true">
            {unfolded ? "▾" : "▸"}
          </span>
          <span class="facet-label">{facet.name}</span>
          <span class="facet-cardinality" title={`${count(facet.cardinality)} values${estimated ? ", estimated" : ""}`}>
            {total}
          </span>
          {high && (
            <span
              class="facet-high"
              title="Very many values: each makes a stream of its own. Better kept in the line or as metadata."
            >
              ⚠ high
            </span>
          )}
        </button>
        <button
          type="button"
          class="facet-action"
          aria-pressed={column}
          aria-label={`Column ${facet.name}`}
          title="Show as column"
          onClick={onColumn}
        >
          ▤
        </button>
      </h3>
      {unfolded && facet.cardinality > TOP && (
        <input
          class="facet-search"
          type="search"
          placeholder={`Search ${total} values…`}
          aria-label={`Search values of ${facet.name}`}
          value={prefix}
          onInput={(event) => setPrefix(event.currentTarget.value)}
        />
      )}
      {unfolded && (
        <ul class="facet-values">
          {list.map((value) => (
            <ValueRow
              key={value.value}
              value={value}
              share={value.count / most}
              state={selected(value.value)}
              {...{ onInclude, onExclude }}
            />
          ))}
          {found.note && prefix !== "" && <li class="facet-note">{found.note}</li>}
        </ul>
      )}
    </section>
  );
}

function useSearch(
  name: string,
  prefix: string,
  values: FacetsProps["values"],
): { values: ValueCount[]; note: string } {
  const [found, setFound] = useState<{ values: ValueCount[]; note: string }>({ values: [], note: "" });
  useEffect(() => {
    if (prefix === "") return;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = await values(name, prefix, controller.signal);
        if (controller.signal.aborted) return;
        const note = answer.values.length === 0 ? "No value begins so." : answer.more ? "Type more to narrow." : "";
        setFound({ values: answer.values, note });
      } catch {
        if (!controller.signal.aborted) setFound({ values: [], note: "The values could not be read." });
      }
    }, DEBOUNCE);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [name, prefix]);
  return found;
}
