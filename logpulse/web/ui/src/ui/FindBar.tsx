import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { count } from "../format";
import * as build from "../logql/build";
import { usePage } from "../page";
import { Icon } from "./Icon";

/** Finds text in the loaded lines; the list marks it. */
export function FindBar() {
  const page = usePage();
  const { finder, store } = page;
  const field = useRef<HTMLInputElement>(null);
  const { text, regex, matchCase } = finder.search.value;
  const rows = store.rows.value;
  // Before the next key arrives, which else would be one of the page's own.
  useLayoutEffect(() => field.current?.focus(), []);
  useEffect(() => {
    finder.look(rows);
    page.mark();
  }, [text, regex, matchCase, rows]);
  useEffect(() => page.mark(), [finder.found.value]);
  const step = (by: 1 | -1) => {
    page.stepMatch(by);
    field.current?.focus();
  };
  const close = () => page.closeFind();
  const found = finder.found.value.length;
  return (
    <search class="findbar">
      <input
        ref={field}
        class="input"
        aria-label="Find in the loaded lines"
        placeholder="Find in the loaded lines"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          finder.current.value = -1;
          finder.search.value = { ...finder.search.value, text: event.currentTarget.value };
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
          else if (event.key === "Escape") close();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <button
        type="button"
        class="button"
        aria-pressed={matchCase}
        aria-label="Match case"
        title="Match case"
        onClick={() => {
          finder.search.value = { ...finder.search.value, matchCase: !matchCase };
        }}
      >
        Aa
      </button>
      <button
        type="button"
        class="button"
        aria-pressed={regex}
        aria-label="Regular expression"
        title="Regular expression"
        onClick={() => {
          finder.search.value = { ...finder.search.value, regex: !regex };
        }}
      >
        .*
      </button>
      <button type="button" class="button" aria-label="Previous match" onClick={() => step(-1)}>
        <Icon name="up" />
      </button>
      <button type="button" class="button" aria-label="Next match" onClick={() => step(1)}>
        <Icon name="down" />
      </button>
      <span class="find-count" role="status">
        {finder.error.value ||
          (text ? `${finder.ordinal ? `${count(finder.ordinal)} of ` : ""}${count(found)} loaded lines` : "")}
      </span>
      <span class="spacer" />
      {text && !finder.error.value && (
        <button
          type="button"
          class="button"
          onClick={() => {
            page.setQuery(build.addSearch(store.place.value.query, finder.search.value));
            close();
          }}
        >
          Add to query
        </button>
      )}
      <button type="button" class="button is-bare" aria-label="Close find" onClick={close}>
        <Icon name="close" />
      </button>
    </search>
  );
}
