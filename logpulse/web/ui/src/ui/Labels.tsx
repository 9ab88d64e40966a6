import { useEffect, useState } from "preact/hooks";
import { asRefusal, isAbort } from "../api";
import { count } from "../format";
import * as build from "../logql/build";
import { type Page, usePage } from "../page";
import type { LabelFacet } from "../types";

const LABELS = 1000;
const VALUES = 50;
const MANY = 10_000;

/** All labels of the range with their values; a click begins a query. */
export function Labels() {
  const page = usePage();
  const [facets, setFacets] = useState<readonly LabelFacet[] | null>(null);
  const [wanted, setWanted] = useState("");
  const [error, setError] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    load(page, abort.signal).then(setFacets, (reason: unknown) => {
      if (!isAbort(reason)) setError(asRefusal(reason).message);
    });
    return () => abort.abort();
  }, [page]);
  const begin = (name: string, value: string) => {
    page.setQuery(build.selectorOf({ [name]: value }));
  };
  const fitting = (facets ?? []).filter(
    ({ name, values }) => name.includes(wanted) || values.some(({ value }) => value.includes(wanted)),
  );
  return (
    <div class="labels-page">
      <h1>Labels</h1>
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
        {fitting.map(({ name, cardinality, values }) => (
          <section key={name} class="label-card">
            <h2>
              {name} <span class="quiet">{count(cardinality)}</span>
              {cardinality > MANY && <span class="label-high"> ⚠ high</span>}
            </h2>
            <ul>
              {values
                .filter(({ value }) => name.includes(wanted) || value.includes(wanted))
                .map((item) => (
                  <li key={item.value}>
                    <button type="button" onClick={() => begin(name, item.value)}>
                      <span class="label-value">{item.value}</span>
                      {item.count > 0 && <span class="label-count">{count(item.count)}</span>}
                    </button>
                  </li>
                ))}
            </ul>
            {cardinality > values.length && <p class="quiet">{count(cardinality - values.length)} more</p>}
          </section>
        ))}
      </div>
    </div>
  );
}

async function load(page: Page, signal: AbortSignal): Promise<readonly LabelFacet[]> {
  const request = { query: "{}", ...page.rangeNow(), limit: LABELS, values: VALUES };
  return (await page.api.fields(request, signal)).labels;
}
