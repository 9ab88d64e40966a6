import { useMemo } from "preact/hooks";
import { count, plural } from "../format";
import { levelWord } from "../levels";
import * as build from "../logql/build";
import { usePage } from "../page";
import { patternsOf } from "../patterns";

/** The loaded lines by their shape: what is frequent, and what is rare. */
export function Patterns() {
  const page = usePage();
  const { store } = page;
  const rows = store.rows.value;
  const patterns = useMemo(() => patternsOf(rows), [rows]);
  const most = patterns[0]?.count ?? 1;
  const narrow = (shared: string) => {
    page.show("search");
    page.setQuery(build.addLineFilter(store.place.value.query, shared));
  };
  return (
    <div class="patterns-page">
      <h1>Patterns</h1>
      <p class="quiet">
        Shapes of the {plural(rows.length, "line")} that the search <code>{store.run.value.query}</code> loaded, the
        most frequent first.
      </p>
      <ol class="patterns">
        {patterns.map(({ text, count: found, level, example, shared }) => (
          <li key={text} class={`pattern level-${level}`}>
            <span class="pattern-count">{count(found)}</span>
            <progress class="pattern-bar" max={most} value={found} aria-hidden="true" />
            <span class="row-level">{levelWord(level)}</span>
            <span class="pattern-text" title={example}>
              {text}
            </span>
            {shared && (
              <button type="button" class="button" onClick={() => narrow(shared)}>
                Only these
              </button>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}
