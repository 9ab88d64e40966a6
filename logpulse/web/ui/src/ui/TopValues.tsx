import { useEffect, useState } from "preact/hooks";
import { asRefusal, isAbort } from "../api";
import { ValueRow } from "../facets/ValueRow";
import { count } from "../format";
import type { Field } from "../message";
import { usePage } from "../page";
import type { ValueCount } from "../types";

const TOP = 10;

/** The most frequent values of a field within the search, each a filter. */
export function TopValues({ field: { kind, name } }: { field: Field }) {
  const page = usePage();
  const { query } = page.store.run.value;
  const [found, setFound] = useState<{ values: ValueCount[]; more: boolean } | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    page.api
      .fieldValues(name, { query, ...page.rangeShown(), limit: TOP }, abort.signal)
      .then(setFound, (reason: unknown) => {
        if (!isAbort(reason)) setError(asRefusal(reason).message);
      });
    return () => abort.abort();
  }, [name, query, page]);
  if (error) return <p class="quiet">{error}</p>;
  if (!found) return <p class="quiet">Counting …</p>;
  const most = Math.max(1, ...found.values.map((value) => value.count));
  const sampled = page.store.fields.value.answer?.sampledLines;
  return (
    <>
      <ul class="facet-values">
        {found.values.map((value) => (
          <ValueRow
            key={value.value}
            value={value}
            share={value.count / most}
            state={null}
            onInclude={(chosen) => page.filterBy("include", kind, name, chosen)}
            onExclude={(chosen) => page.filterBy("exclude", kind, name, chosen)}
          />
        ))}
      </ul>
      <p class="quiet">
        {found.more ? "The most frequent" : "All values"}
        {kind === "label"
          ? ", counted over the streams of the query."
          : `, counted in the newest ${sampled === undefined ? "" : `${count(sampled)} `}lines.`}
      </p>
    </>
  );
}
