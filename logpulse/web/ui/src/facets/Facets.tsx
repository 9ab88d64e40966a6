import { useState } from "preact/hooks";
import { visible } from "../ansi";
import { count } from "../format";
import { chipsOf, excludeValue, includeValue, isMetric, withoutChip } from "../logql/build";
import { logParts } from "../logql/structure";
import type { FacetsProps, FieldKind } from "../slots";
import type { FieldFacet, LabelFacet } from "../types";
import { Facet } from "./Facet";

/** The labels and fields of the result, with how many entries have each value. Every click visibly edits the query. */
export default function Facets(props: FacetsProps) {
  const { answer, loading, query, onQuery } = props;
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const matches = ({ name, values }: LabelFacet) =>
    name.toLowerCase().includes(wanted) || values.some(({ value }) => value.toLowerCase().includes(wanted));
  const labels = answer?.labels.filter(matches) ?? [];
  const fields = answer?.fields.filter(matches) ?? [];
  const chips = chipsOf(query);
  const facet = (found: LabelFacet | FieldFacet, kind: FieldKind) => (
    <Facet
      key={`${kind} ${found.name}`}
      facet={found}
      open={kind === "label" ? labels.indexOf(found) < 4 : wanted !== ""}
      column={props.columns.includes(found.name)}
      selected={(value) => chosen(query, kind, found.name, value)}
      values={props.values}
      onColumn={() => props.onColumn(found.name)}
      onInclude={(value) => onQuery(includeValue(query, kind, found.name, value))}
      onExclude={(value) => onQuery(excludeValue(query, kind, found.name, value))}
    />
  );
  return (
    <div class="facet-browser" aria-busy={loading}>
      <input
        class="facet-filter"
        type="search"
        placeholder="Filter labels and fields…"
        aria-label="Filter labels and fields"
        value={filter}
        onInput={(event) => setFilter(event.currentTarget.value)}
      />
      {chips.length > 0 && !isMetric(query) && (
        <ul class="facet-chips" aria-label="Active filters">
          {chips.map((chip) => (
            <li key={`${chip.from} ${chip.text}`}>
              <code title={visible(chip.text)}>{visible(chip.text)}</code>
              <button
                type="button"
                aria-label={`Remove ${chip.text}`}
                onClick={() => onQuery(withoutChip(query, chip))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      {!answer && loading && <p class="facet-note">Counting labels…</p>}
      {answer && labels.length + fields.length === 0 && (
        <p class="facet-note">
          {wanted ? `Nothing is named or has a value like “${filter.trim()}”.` : "No labels in this range."}
        </p>
      )}
      {labels.map((found) => facet(found, "label"))}
      {fields.length > 0 && answer && (
        <h2 class="facet-heading">
          Fields <small>of the newest {count(answer.sampledLines)} lines</small>
        </h2>
      )}
      {fields.map((found) => facet(found, kindOf(found, query)))}
    </div>
  );
}

/** How a field gets into the query: through the parser that finds it, or as it is where a parser already stands there. */
function kindOf(field: FieldFacet, query: string): FieldKind {
  const { parsers } = field;
  const stages = logParts(query)[0]?.stages ?? [];
  if (stages.some(({ word, kind }) => kind === "parser" && (parsers.length === 0 || parsers.includes(word))))
    return "metadata";
  return parsers.find((parser): parser is "json" | "logfmt" => parser === "json" || parser === "logfmt") ?? "metadata";
}

function chosen(query: string, kind: FieldKind, name: string, value: string): "in" | "out" | null {
  for (const part of logParts(query)) {
    const matchers =
      kind === "label" ? part.matchers : part.stages.flatMap(({ matcher }) => (matcher ? [matcher] : []));
    for (const matcher of matchers) {
      if (matcher.name !== name || matcher.value !== value) continue;
      if (matcher.operator === "=") return "in";
      if (matcher.operator === "!=") return "out";
    }
  }
  return null;
}
