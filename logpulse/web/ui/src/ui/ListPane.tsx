import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { clock, dateTime } from "../format";
import { LogList } from "../loglist";
import { type Page, usePage } from "../page";
import type { Row } from "../ring";
import { isWanted } from "../tailstate";
import { Icon } from "./Icon";

/** The list and what hovers over it. Its rows are drawn by LogList, outside of the component tree. */
export function ListPane() {
  const page = usePage();
  const host = useRef<HTMLDivElement>(null);
  const [hovered, setHovered] = useState<{ row: Row; top: number } | null>(null);
  useEffect(() => {
    if (!host.current) return;
    return attach(page, host.current, () => setHovered(null));
  }, [page]);
  const { columns } = page.store.place.value;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: hovering shows what keys do as well
    <div
      class="listpane"
      onMouseOver={(event) => setHovered(toolsFor(page, event))}
      onMouseLeave={() => setHovered(null)}
      onFocus={() => {}}
    >
      {columns.length > 0 && <ColumnHeads columns={columns} />}
      <div class="list-host" ref={host} />
      {hovered && <RowTools row={hovered.row} top={hovered.top} />}
      <Announcer />
    </div>
  );
}

function attach(page: Page, host: HTMLElement, onScrolled: () => void): () => void {
  const { store, live } = page;
  const list = new LogList(
    host,
    {
      onCursor: (row) => {
        page.select(row);
        if (store.isLive.value) live.pause();
      },
      onOpen: (row) => {
        page.select(row);
        page.openDetails();
      },
      onGap: (row) => void live.fill(row),
      onMore: () => void page.search.more(),
      onEdge: (atEdge) => {
        onScrolled();
        if (!atEdge && isWanted(store.tail.value)) live.pause();
      },
    },
    page.listPlace,
  );
  page.list = list;
  let ring = store.ring.value;
  const stops = [
    effect(() => {
      const { direction } = store.place.value;
      const sticky = isWanted(store.tail.value) && !store.tail.value.paused;
      list.setEdge(direction === "backward" ? "top" : "bottom", sticky);
    }),
    effect(() => {
      const rows = store.rows.value;
      if (store.ring.value !== ring) {
        ring = store.ring.value;
        list.reset();
      }
      list.setRows(rows);
      const wanted = store.selected.peek();
      if (wanted && list.cursorIndex < 0) list.select(wanted.id);
    }),
    effect(() => {
      const { zone, precision, wrap, columns } = store.place.value;
      list.setLook({ zone, precision, wrap, columns, dated: store.dated.value });
    }),
    effect(() => {
      void store.run.value.query;
      page.mark();
    }),
  ];
  const onSelect = () => {
    const selection = getSelection();
    if (selection && !selection.isCollapsed && list.element.contains(selection.anchorNode)) live.pause();
  };
  document.addEventListener("selectionchange", onSelect);
  return () => {
    document.removeEventListener("selectionchange", onSelect);
    for (const stop of stops) stop();
    page.list = null;
    page.listPlace = list.place;
    list.destroy();
  };
}

function toolsFor(page: Page, event: MouseEvent): { row: Row; top: number } | null {
  const pane = event.currentTarget;
  return pane instanceof HTMLElement
    ? (page.list?.hover(event.target, pane.getBoundingClientRect().top) ?? null)
    : null;
}

function RowTools({ row, top }: { row: Row; top: number }) {
  const page = usePage();
  const { entry } = row;
  if (!entry) return null;
  return (
    <div class="row-tools" style={{ transform: `translateY(${top}px)` }}>
      <button
        type="button"
        tabIndex={-1}
        title="What happened around it (c)"
        aria-label="Context"
        onClick={() => page.openContext(entry)}
      >
        <Icon name="context" />
      </button>
      <button type="button" tabIndex={-1} title="Copy (y)" aria-label="Copy line" onClick={() => page.copyRows([row])}>
        <Icon name="copy" />
      </button>
      <button
        type="button"
        tabIndex={-1}
        title="Copy link (Y)"
        aria-label="Copy link to line"
        onClick={() => void page.copy(page.linkToNow(entry), "link copied")}
      >
        <Icon name="link" />
      </button>
    </div>
  );
}

const SAMPLE_TIME = "2000-01-01T00:00:00Z";

function ColumnHeads({ columns }: { columns: readonly string[] }) {
  const page = usePage();
  const { zone, precision } = page.store.place.value;
  const time = (page.store.dated.value ? dateTime : clock)(SAMPLE_TIME, zone, precision);
  return (
    <div class="column-heads">
      {/* As wide as what stands there in each row, so that names stand above their columns. */}
      <span class="column-indent" aria-hidden="true">
        {time}
      </span>
      <span class="column-indent" aria-hidden="true">
        ERR
      </span>
      {columns.map((name) => (
        <span key={name} class="column-head" title={name}>
          {name}
          <button type="button" aria-label={`Remove the column ${name}`} onClick={() => page.toggleColumn(name)}>
            <Icon name="close" />
          </button>
        </span>
      ))}
    </div>
  );
}

const ANNOUNCE_EVERY = 5000;

// Screen readers hear sums, at most once in 5 s, as single lines would never end.
function Announcer() {
  const page = usePage();
  const [text, setText] = useState("");
  useEffect(() => {
    let heard = 0;
    let errors = 0;
    const timer = setInterval(() => {
      const { store } = page;
      if (!store.isLive.value) return;
      const ring = store.ring.value;
      const seen = ring.evicted + ring.length;
      const fresh = seen - heard;
      heard = seen;
      if (fresh <= 0) return;
      errors = 0;
      for (let index = Math.max(0, ring.length - fresh); index < ring.length; index++) {
        const level = ring.at(index)?.level;
        if (level === "error" || level === "critical") errors++;
      }
      setText(`${fresh} new lines, ${errors} errors`);
    }, ANNOUNCE_EVERY);
    return () => clearInterval(timer);
  }, [page]);
  return (
    <div class="visually-hidden" role="status">
      {text}
    </div>
  );
}
