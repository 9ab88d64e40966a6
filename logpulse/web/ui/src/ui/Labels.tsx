import { useEffect, useState } from "preact/hooks";
import { visible } from "../ansi";
import { asRefusal, isAbort } from "../api";
import { count, plural } from "../format";
import * as build from "../logql/build";
import { usePage } from "../page";
import { describeRange } from "../time";
import type { LabelFacet, ValueCount } from "../types";

const LABELS = 1000;
const VALUES = 50;
const MORE_VALUES = 1000;
const MANY = 10_000;

/** All labels of the range with their values; a click begins a query. */
export function Labels() {
  const page = usePage();
  const [facets, setFacets] = useState<readonly LabelFacet[] | null>(null);
  const [wanted, setWanted] = useState("");
  const [error, setError] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    const request = { query: "{}", ...page.rangeNow(), limit: LABELS, values: VALUES };
    page.api.fields(request, abort.signal).then(
      ({ labels }) => setFacets(labels),
      (reason: unknown) => {
        if (!isAbort(reason)) setError(asRefusal(reason).message);
      },
    );
    return () => abort.abort();
  }, [page]);
  const fitting = (facets ?? []).filter(
    ({ name, values }) => name.includes(wanted) || values.some(({ value }) => value.includes(wanted)),
  );
  return (
    <div class="labels-page">
      <h1>Labels</h1>
      {facets && (
        <p class="quiet">
          {plural(facets.length, "label")} of the streams in the range “
          {describeRange(page.range, page.store.place.value.zone)}”, with how many values each has, and how many lines
          have these.
        </p>
      )}
      <input
        class="input labels-filter"
        placeholder="Filter labels and values …"
        aria-label="Filter labels and values"
        value={wanted}
        onInput={(event) => setWanted(event.currentTarget.value)}
      />
      {error && <p class="notice is-error">{error}</p>}
      {facets && !fitting.length && <p class="quiet">No label in this range fits.</p>}
      <div class="label-cards">
        {fitting.map((facet) => (
          <LabelCard key={facet.name} facet={facet} wanted={wanted} />
        ))}
      </div>
    </div>
  );
}

function LabelCard({ facet, wanted }: { facet: LabelFacet; wanted: string }) {
  const page = usePage();
  const { name, cardinality } = facet;
  const [values, setValues] = useState<readonly ValueCount[]>(facet.values);
  const more = () => {
    const request = { query: "{}", ...page.rangeNow(), limit: MORE_VALUES };
    page.api.fieldValues(name, request).then(
      (answer) => setValues(answer.values),
      (reason: unknown) => page.store.say(asRefusal(reason).message),
    );
  };
  return (
    <section class="label-card">
      <h2>
        {name} <span class="quiet">{count(cardinality)}</span>
        {cardinality > MANY && <span class="label-high"> ⚠ high</span>}
      </h2>
      <ul>
        {values
          .filter(({ value }) => name.includes(wanted) || value.includes(wanted))
          .map((item) => (
            <li key={item.value}>
              <button type="button" onClick={() => page.setQuery(build.selectorOf({ [name]: item.value }))}>
                <span class="label-value">{visible(item.value)}</span>
                <span class="label-count">{count(item.count)}</span>
              </button>
            </li>
          ))}
      </ul>
      {cardinality > values.length && values.length < MORE_VALUES && (
        <button type="button" class="link" onClick={more}>
          {count(cardinality - values.length)} more
        </button>
      )}
      {cardinality > values.length && values.length >= MORE_VALUES && (
        <p class="quiet">{count(cardinality - values.length)} more; the search narrows them down.</p>
      )}
    </section>
  );
}
