import { useEffect, useMemo, useState } from "preact/hooks";
import { stripAnsi, visible } from "../ansi";
import { bytes, dateTime } from "../format";
import { levelOf } from "../levels";
import * as build from "../logql/build";
import { type Field, fieldsOf, isTraceId, jsonOf, logfmtOf } from "../message";
import { type Page, usePage } from "../page";
import type { Entry } from "../types";
import { Icon } from "./Icon";
import { Menu } from "./Menu";
import { TopValues } from "./TopValues";
import { Tree } from "./Tree";

/** Longer messages are cut until asked for, as one text node of megabytes holds up the page. */
const TEXT_CAP = 65_536;

/** Everything about one line. */
export function Details({ entry }: { entry: Entry }) {
  const page = usePage();
  const stored = useStored(page, entry);
  const { zone } = page.store.place.value;
  const level = levelOf(entry.level);
  const step = (by: 1 | -1) => {
    page.list?.moveBy(by);
  };
  return (
    <section class="details" aria-label="Line details">
      <header class="details-head">
        <h2>Line details</h2>
        <span class="spacer" />
        <button
          type="button"
          class="button is-bare"
          aria-label="Previous line"
          title="Previous line (k)"
          onClick={() => step(-1)}
        >
          <Icon name="up" />
        </button>
        <button
          type="button"
          class="button is-bare"
          aria-label="Next line"
          title="Next line (j)"
          onClick={() => step(1)}
        >
          <Icon name="down" />
        </button>
        <button
          type="button"
          class="button is-bare"
          aria-label="Close details"
          title="Close (Esc)"
          onClick={() => page.closeDetails()}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class="details-body">
        <p class="details-meta">
          <span class={`level-word level-${level}`}>{level}</span>{" "}
          <time dateTime={entry.timestamp} title={entry.timestamp}>
            {dateTime(entry.timestamp, zone, "ns")}
          </time>
        </p>
        <Message key={entry.id} text={entry.message} />
        <div class="details-actions">
          <button type="button" class="button" onClick={() => page.openContext(entry)}>
            ± Context
          </button>
          <CopyMenu entry={entry} stored={stored} />
          <button type="button" class="button" onClick={() => void page.copy(page.linkToNow(entry), "link copied")}>
            Permalink
          </button>
        </div>
        <Fields entry={entry} stored={stored} />
      </div>
    </section>
  );
}

// A query's pipeline adds labels, and only the stored entry tells which are those of its stream.
function useStored(page: Page, entry: Entry): Entry {
  const [stored, setStored] = useState(entry);
  const { query } = page.store.run.value;
  const piped = /\|\s*(?:json|logfmt|pattern|regexp|unpack|label_format|line_format|decolorize|drop|keep)\b/.test(
    query,
  );
  useEffect(() => {
    setStored(entry);
    if (!piped) return;
    const abort = new AbortController();
    // Moving through lines quickly should not ask for each.
    const timer = setTimeout(() => {
      page.api.stored(entry.id, abort.signal).then(
        (found) => {
          if (found) setStored(found);
        },
        () => {}, // then all labels are taken for the stream's
      );
    }, 120);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [entry, piped, page]);
  return stored.id === entry.id ? stored : entry;
}

function Message({ text }: { text: string }) {
  const json = useMemo(() => jsonOf(text), [text]);
  const logfmt = useMemo(() => (json === null ? logfmtOf(text) : null), [text, json]);
  const [tab, setTab] = useState<"text" | "tree">("text");
  const [whole, setWhole] = useState(false);
  const structured = json ?? (logfmt ? Object.fromEntries(logfmt) : null);
  const shown = stripAnsi(whole ? text : text.slice(0, TEXT_CAP));
  return (
    <div class="message">
      {structured !== null && (
        <div class="tabs" role="tablist" aria-label="Form of the message">
          {(["text", "tree"] as const).map((name) => (
            <button type="button" key={name} role="tab" aria-selected={tab === name} onClick={() => setTab(name)}>
              {name === "text" ? "Plain" : json !== null ? "JSON" : "logfmt"}
            </button>
          ))}
        </div>
      )}
      {tab === "tree" && structured !== null ? (
        <div class="message-tree">
          <Tree value={structured} />
        </div>
      ) : (
        <pre class="message-text">{visible(shown)}</pre>
      )}
      {!whole && text.length > TEXT_CAP && tab === "text" && (
        <button type="button" class="link" onClick={() => setWhole(true)}>
          show all {bytes(text.length)}
        </button>
      )}
    </div>
  );
}

function Fields({ entry, stored }: { entry: Entry; stored: Entry }) {
  const fields = useMemo(() => rowsOf(entry, stored), [entry, stored]);
  if (!fields.length) return null;
  return (
    <table class="fields">
      <caption class="visually-hidden">Labels, metadata and fields</caption>
      <colgroup>
        <col class="fields-name" />
        <col />
        <col class="fields-tools" />
      </colgroup>
      {GROUPS.map(([title, kinds]) => {
        const rows = fields.filter(({ kind }) => kinds.includes(kind));
        if (!rows.length) return null;
        return (
          <tbody key={title}>
            <tr class="fields-group">
              <th colSpan={3} scope="rowgroup">
                {title}
              </th>
            </tr>
            {rows.map((field) => (
              <FieldRow key={`${field.kind} ${field.name}`} field={field} />
            ))}
          </tbody>
        );
      })}
    </table>
  );
}

const GROUPS: readonly (readonly [string, readonly Field["kind"][]])[] = [
  ["Labels", ["label"]],
  ["Metadata", ["metadata"]],
  ["Fields of the line", ["json", "logfmt"]],
];

function rowsOf(entry: Entry, stored: Entry): Field[] {
  const of = (values: Readonly<Record<string, string>>, kind: Field["kind"]): Field[] =>
    Object.entries(values).map(([name, value]) => ({ kind, name, value }));
  const labels = of(stored.labels, "label");
  const metadata = of(stored.metadata, "metadata");
  const known = new Set([...labels, ...metadata].map(({ name }) => name));
  const found = fieldsOf(stored.message);
  const names = new Set(found.map(({ name }) => name));
  // What a parser of the query made, and the message alone does not show, such as names by `pattern`.
  const made = of(entry.labels, "metadata").filter(
    ({ name }) => !known.has(name) && !names.has(name) && !name.endsWith("_extracted"),
  );
  return [...labels, ...metadata, ...found, ...made];
}

function FieldRow({ field }: { field: Field }) {
  const page = usePage();
  const { kind, name, value } = field;
  const shown = visible(value.length > 2000 ? `${value.slice(0, 2000)} …` : value);
  const isColumn = page.store.place.value.columns.includes(name);
  const [counted, setCounted] = useState(false);
  const row = (
    <tr>
      <th scope="row" title={visible(name)}>
        {visible(name)}
      </th>
      <td class="field-value">
        {shown}
        {isTraceId(name, value) && (
          <button
            type="button"
            class="link field-trace"
            onClick={() =>
              page.setQuery(
                kind === "metadata" ? build.includeValue("{}", kind, name, value) : build.addLineFilter("{}", value),
              )
            }
          >
            everything with this id
          </button>
        )}
      </td>
      <td class="field-tools">
        <button
          type="button"
          aria-label={`Only ${name} = ${shown}`}
          title="Only this value"
          onClick={() => page.filterBy("include", kind, name, value)}
        >
          <Icon name="plus" />
        </button>
        <button
          type="button"
          aria-label={`Without ${name} = ${shown}`}
          title="Without this value"
          onClick={() => page.filterBy("exclude", kind, name, value)}
        >
          <Icon name="minus" />
        </button>
        <button
          type="button"
          aria-label={`Column ${name}`}
          aria-pressed={isColumn}
          title="As a column"
          onClick={() => page.toggleColumn(name)}
        >
          <Icon name="column" />
        </button>
        <Menu label={<Icon name="more" />} name={`More about ${name}`} class="">
          {(close) => (
            <div class="menu-list">
              <button
                type="button"
                class="menu-item"
                aria-pressed={counted}
                onClick={() => {
                  close();
                  setCounted(!counted);
                }}
              >
                Top values
              </button>
              <button
                type="button"
                class="menu-item"
                onClick={() => {
                  close();
                  page.filterBy("has", kind, name, value);
                }}
              >
                Only lines with {name}
              </button>
              <button
                type="button"
                class="menu-item"
                onClick={() => {
                  close();
                  void page.copy(value, "value copied");
                }}
              >
                Copy the value
              </button>
            </div>
          )}
        </Menu>
      </td>
    </tr>
  );
  if (!counted) return row;
  return (
    <>
      {row}
      <tr>
        <td colSpan={3}>
          <TopValues field={field} />
        </td>
      </tr>
    </>
  );
}

function CopyMenu({ entry, stored }: { entry: Entry; stored: Entry }) {
  const page = usePage();
  const forms: readonly (readonly [string, () => string])[] = [
    ["as line", () => `${entry.timestamp} ${stripAnsi(entry.message)}`],
    ["message only", () => entry.message],
    ["as JSON", () => JSON.stringify(entry, null, 2)],
    ["as LogQL of its stream", () => build.selectorOf(stored.labels)],
    ["as curl", () => curlOf(page, build.selectorOf(stored.labels))],
  ];
  return (
    <Menu
      label={
        <>
          Copy <Icon name="down" />
        </>
      }
    >
      {(close) => (
        <div class="menu-list">
          {forms.map(([text, form]) => (
            <button
              type="button"
              key={text}
              class="menu-item"
              onClick={() => {
                close();
                void page.copy(form(), "copied");
              }}
            >
              {text}
            </button>
          ))}
        </div>
      )}
    </Menu>
  );
}

function curlOf(page: Page, selector: string): string {
  const { start, end } = page.store.run.value;
  const quoted = `query=${selector}`.replaceAll("'", `'\\''`);
  return `curl -G '${new URL("query", document.baseURI).href}' --data-urlencode '${quoted}' -d start=${start} -d end=${end}`;
}
