import { useEffect, useRef } from "preact/hooks";
import * as build from "../logql/build";
import { usePage } from "../page";
import TimePicker from "../TimePicker";
import { isWanted } from "../tailstate";
import { useChunk } from "./Chunk";
import { Icon } from "./Icon";
import { Menu } from "./Menu";
import { loadEditor } from "./parts";

/** The query, its time, Run and Live. */
export function QueryBar() {
  const page = usePage();
  const { store } = page;
  const live = isWanted(store.tail.value);
  return (
    <div class="querybar">
      <div class="query-field">
        <QueryText />
        <Suggestion />
      </div>
      <div class="query-actions">
        <Time />
        <button type="button" class="button is-primary" onClick={() => page.run()} title="Run the query (Ctrl+Enter)">
          Run{" "}
          <span class="key-hint" aria-hidden="true">
            ⌃⏎
          </span>
        </button>
        <button
          type="button"
          class={live ? "button is-live" : "button"}
          aria-pressed={live}
          onClick={() => page.toggleLive()}
          title="Follow this query live (L)"
        >
          <Icon name={live ? "stop" : "play"} /> {live ? "Stop" : "Live"}
        </button>
        <Menu label={<Icon name="more" />} name="More">
          {(close) => (
            <div class="menu-list">
              {(
                [
                  [
                    "History and saved queries",
                    () => {
                      store.sheet.value = "history";
                    },
                  ],
                  [
                    "Labels and fields",
                    () => {
                      store.facetsOpen.value = true;
                    },
                  ],
                  ["Copy link to this search", () => void page.copy(page.link(), "link copied")],
                  ["Copy link with absolute times", () => void page.copy(page.linkToNow(), "link copied")],
                  ["Search everything", () => page.setQuery("{}")],
                  [
                    "Keys and help",
                    () => {
                      store.sheet.value = "help";
                    },
                  ],
                ] as const
              ).map(([text, act]) => (
                <button
                  type="button"
                  key={text}
                  class="menu-item"
                  onClick={() => {
                    close();
                    act();
                  }}
                >
                  {text}
                </button>
              ))}
            </div>
          )}
        </Menu>
      </div>
    </div>
  );
}

function QueryText() {
  const page = usePage();
  const { store } = page;
  const Editor = useChunk(loadEditor);
  if (!Editor) return <PlainText />;
  const { phase, error } = store.run.value;
  return (
    <Editor
      value={store.draft.value}
      error={phase === "failed" ? (error?.answer ?? null) : null}
      onChange={(text) => {
        store.draft.value = text;
      }}
      onRun={() => page.run()}
      source={page.completion}
      nonce={nonce()}
      onReady={(focus) => {
        page.focusQuery = focus;
      }}
    />
  );
}

/** The nonce that the server puts into index.html for the editor's style element; empty without one. */
function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
}

const LINES_AT_MOST = 6;

// Usable from the first paint on, and where the editor cannot be loaded.
function PlainText() {
  const page = usePage();
  const { store } = page;
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    page.focusQuery = () => area.current?.focus();
  }, [page]);
  const text = store.draft.value;
  return (
    <>
      <textarea
        ref={area}
        class="query-text"
        aria-label="Query"
        rows={Math.min(LINES_AT_MOST, text.split("\n").length)}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        value={text}
        onInput={(event) => {
          store.draft.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          event.stopPropagation();
          page.run();
        }}
      />
      <Caret />
    </>
  );
}

// Plain text is no LogQL: offered is the query that searches for it, which is then seen in the bar.
function Suggestion() {
  const page = usePage();
  const offered = build.plainText(page.store.draft.value);
  if (offered === null) return null;
  return (
    <div class="query-note">
      This is not LogQL.{" "}
      <button type="button" class="link" onClick={() => page.setQuery(offered)}>
        Search for it in all streams
      </button>{" "}
      <code>{offered}</code>
    </div>
  );
}

// The editor marks the place itself.
function Caret() {
  const { store } = usePage();
  const { error, phase } = store.run.value;
  const { query } = store.place.value;
  const position = error?.answer.position;
  if (!error || !position || phase !== "failed") return null;
  const line = query.split("\n")[position.line - 1] ?? "";
  return (
    <div class="query-error" role="alert">
      <div>{error.message}</div>
      <pre aria-hidden="true">
        {line}
        {"\n"}
        {" ".repeat(Math.max(0, position.column - 1))}
        <b>{"^".repeat(Math.max(1, position.length))}</b>
      </pre>
    </div>
  );
}

function Time() {
  const page = usePage();
  const { store } = page;
  const { from, to, zone } = store.place.value;
  return (
    <TimePicker
      from={from}
      to={to}
      zone={zone}
      onChange={(range) => page.setRange(range)}
      onZone={(chosen) => page.look({ zone: chosen })}
      refresh={store.refresh.value}
      onRefresh={(seconds) => {
        store.refresh.value = seconds;
      }}
      onReady={(open) => {
        page.openTime = open;
      }}
    />
  );
}
