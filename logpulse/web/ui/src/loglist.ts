// The list of lines: rows of the screen only, recycled while scrolling, so that 100,000 lines cost what 50 do.

import { isGuessed, type Layout, Offsets } from "./offsets";
import { Probe } from "./probe";
import { indexOfEntry, movedBy, type Row, type Rows } from "./ring";
import { type Look, type Marks, RowView } from "./rowview";

/** What the list tells. */
export interface LogListListener {
  /** The cursor moved to an entry, by keys or a click. */
  onCursor(row: Row, index: number): void;
  /** Enter, or a click on the line. */
  onOpen(row: Row): void;
  onGap(row: Row): void;
  /** Near the end: the next page is wanted. */
  onMore(): void;
  /** The reader left the edge at which new lines appear, or came back to it. */
  onEdge(atEdge: boolean): void;
}

/** What stands on top of the screen: a row, and how many pixels of it are above. */
export interface ListPlace {
  index: number;
  row: Row | null;
  within: number;
}

/** At which end new lines appear. */
export type Edge = "top" | "bottom";

const LINE = 22;
const TOP: ListPlace = { index: 0, row: null, within: 0 };
const SPARE_ROWS = 10;
const MORE_WITHIN = 60;

/** A list within `host`, which gives it its size. */
export class LogList {
  readonly element = document.createElement("div");
  private readonly body = document.createElement("div");
  private readonly probe = new Probe();
  private readonly views: RowView[] = [];
  private readonly shown = new Map<number, RowView>();
  private readonly offsets = new Offsets();
  private readonly resized: ResizeObserver;
  private rows: Rows = { length: 0, at: () => undefined };
  private look: Look = { zone: "UTC", precision: "ms", dated: false, wrap: false, columns: [] };
  /** Without columns: rows of phones are two lines already. */
  private phoneLook: Look = { ...this.look, wrap: true };
  private marks: Marks = { spansOf: () => [], current: null };
  private layout: Layout = { line: LINE, columns: 0, head: 0 };
  private edge: Edge = "top";
  private sticky = false;
  private frame = 0;
  private stale = true;
  private cursor = -1;
  private cursorRow: Row | null = null;
  /** The other end of the selection. */
  private anchor = -1;
  private top: ListPlace;

  constructor(
    private readonly host: HTMLElement,
    private readonly listener: LogListListener,
    top: ListPlace = TOP,
  ) {
    this.top = top;
    const { element, body } = this;
    element.className = "loglist";
    element.tabIndex = 0;
    element.setAttribute("role", "listbox");
    element.setAttribute("aria-label", "Log lines");
    element.setAttribute("aria-multiselectable", "true");
    body.className = "loglist-body";
    body.setAttribute("role", "presentation");
    element.append(body);
    host.append(element, this.probe.element);
    element.addEventListener("scroll", this.onScroll, { passive: true });
    element.addEventListener("mousedown", this.onMouseDown);
    element.addEventListener("click", this.onClick);
    this.resized = new ResizeObserver(() => this.relayout());
    this.resized.observe(element);
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.resized.disconnect();
    this.host.replaceChildren();
  }

  /** Shows these rows; what was under the eye stays there, or at the edge what is new. */
  setRows(rows: Rows): void {
    const shift = this.top.row && movedBy(rows, this.top.row, this.top.index);
    if (this.cursorRow) {
      const moved = movedBy(rows, this.cursorRow, this.cursor);
      if (moved === null) this.forgetCursor();
      else {
        this.cursor += moved;
        this.anchor = this.anchor < 0 ? -1 : Math.max(0, this.anchor + moved);
      }
    }
    this.rows = rows;
    this.top = shift === null ? TOP : { ...this.top, index: this.top.index + shift };
    this.stale = true;
    this.schedule();
  }

  /** Another result: from its beginning, without cursor. */
  reset(): void {
    this.forgetCursor();
    this.top = TOP;
    this.element.scrollTop = 0;
  }

  /** At which end new lines appear; `sticky` keeps that end in view. */
  setEdge(edge: Edge, sticky: boolean): void {
    this.edge = edge;
    this.sticky = sticky;
    if (sticky) this.schedule();
  }

  setLook(look: Look): void {
    this.look = look;
    this.phoneLook = { ...look, wrap: true, columns: [] };
    this.relayout();
  }

  setMarks(marks: Marks): void {
    this.marks = marks;
    this.schedule();
  }

  /** Moves the cursor by rows, or to a place; `extend` keeps the other end of the selection. */
  move(to: number, extend: "extend" | "single" = "single"): void {
    if (!this.rows.length) return;
    const index = Math.max(0, Math.min(to, this.rows.length - 1));
    const row = this.rows.at(index);
    if (!row) return;
    if (extend === "single") this.anchor = index;
    else if (this.anchor < 0) this.anchor = this.cursor < 0 ? index : this.cursor;
    this.cursor = index;
    this.cursorRow = row;
    this.reveal(index);
    this.draw();
    if (row.entry) this.listener.onCursor(row, index);
  }

  moveBy(rows: number, extend: "extend" | "single" = "single"): void {
    const from = this.cursor < 0 ? (rows > 0 ? this.firstVisible() - 1 : this.firstVisible() + 1) : this.cursor;
    this.move(from + rows, extend);
  }

  /** What is on top, for a list that takes the place of this one. */
  get place(): ListPlace {
    return this.top;
  }

  /** Rows of a screen. */
  get page(): number {
    return Math.max(1, Math.floor(this.element.clientHeight / LINE) - 1);
  }

  get cursorIndex(): number {
    return this.cursor;
  }

  get current(): Row | null {
    return this.cursorRow;
  }

  selectAll(): void {
    if (!this.rows.length) return;
    this.anchor = 0;
    this.cursor = this.rows.length - 1;
    this.cursorRow = this.rows.at(this.cursor) ?? null;
    this.schedule();
  }

  /** The selected rows, in the order of the screen. */
  get selection(): Row[] {
    if (this.cursor < 0) return [];
    const [from, to] = this.range();
    const rows: Row[] = [];
    for (let index = from; index <= to; index++) {
      const row = this.rows.at(index);
      if (row) rows.push(row);
    }
    return rows;
  }

  /** Puts the cursor on the row of an entry, wherever it is; answers whether it is there. */
  select(id: string): boolean {
    const index = indexOfEntry(this.rows, id);
    const row = this.rows.at(index);
    if (!row) return false;
    this.cursor = this.anchor = index;
    this.cursorRow = row;
    this.reveal(index, "centre");
    this.schedule();
    return true;
  }

  forgetCursor(): void {
    this.cursor = this.anchor = -1;
    this.cursorRow = null;
    this.element.removeAttribute("aria-activedescendant");
    this.schedule();
  }

  toEdge(): void {
    this.element.scrollTop = this.edge === "top" ? 0 : this.element.scrollHeight;
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
  }

  /** The next row from the cursor on that a predicate picks; -1 where there is none. */
  seek(step: 1 | -1, picks: (row: Row) => boolean): number {
    for (let index = this.cursor + step; index >= 0 && index < this.rows.length; index += step) {
      const row = this.rows.at(index);
      if (row && picks(row)) return index;
    }
    return -1;
  }

  private range(): [number, number] {
    const anchor = this.anchor < 0 ? this.cursor : this.anchor;
    return [Math.min(anchor, this.cursor), Math.max(anchor, this.cursor)];
  }

  private firstVisible(): number {
    return this.offsets.indexAt(this.element.scrollTop);
  }

  private reveal(index: number, where: "near" | "centre" = "near"): void {
    this.measure();
    const { element, offsets } = this;
    const top = offsets.top(index);
    const bottom = top + offsets.height(index);
    const height = element.clientHeight;
    if (where === "centre") {
      if (top < element.scrollTop || bottom > element.scrollTop + height) element.scrollTop = top - height / 2;
    } else if (top < element.scrollTop) element.scrollTop = top;
    else if (bottom > element.scrollTop + height) element.scrollTop = bottom - height;
  }

  private relayout(): void {
    const narrow = this.host.clientWidth > 0 && this.host.clientWidth < 700 && matchMedia("(max-width: 699px)").matches;
    const wraps = this.look.wrap || narrow;
    this.element.classList.toggle("is-wrapped", wraps);
    this.element.classList.toggle("is-narrow", narrow);
    const columns = wraps
      ? this.probe.columns(narrow ? this.phoneLook : this.look, this.element.clientWidth, narrow ? "narrow" : "wide")
      : 0;
    this.layout = { line: LINE, columns, head: narrow ? 1 : 0 };
    this.stale = true;
    this.schedule();
  }

  private schedule(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private measure(): void {
    if (!this.stale) return;
    this.stale = false;
    this.offsets.update(this.rows, this.layout);
    this.body.style.height = `${this.offsets.total}px`;
  }

  private draw(): void {
    const { element, offsets } = this;
    if (!element.isConnected) return; // the last frame of a list that is gone would forget where the reader was
    const changed = this.stale;
    this.measure();
    if (changed) {
      const wanted = this.sticky
        ? this.edge === "top"
          ? 0
          : offsets.total - element.clientHeight
        : this.top.row
          ? offsets.top(this.top.index) + this.top.within
          : element.scrollTop;
      if (Math.abs(wanted - element.scrollTop) >= 1) element.scrollTop = wanted;
    }
    const scrolled = element.scrollTop;
    const height = element.clientHeight;
    const first = Math.max(0, offsets.indexAt(scrolled) - SPARE_ROWS);
    const last = Math.min(this.rows.length - 1, offsets.indexAt(scrolled + height) + SPARE_ROWS);
    if (this.drawRows(first, last) && this.layout.columns) this.remeasure();
    const top = offsets.indexAt(scrolled);
    this.top = { index: top, row: this.rows.at(top) ?? null, within: scrolled - offsets.top(top) };
    if (this.rows.length && last >= this.rows.length - MORE_WITHIN) this.listener.onMore();
  }

  private drawRows(first: number, last: number): boolean {
    for (const [index, view] of this.shown) {
      if (index >= first && index <= last) continue;
      this.shown.delete(index);
      this.views.push(view);
    }
    const [from, to] = this.cursor < 0 ? [-1, -2] : this.range();
    let inexact = false;
    for (let index = first; index <= last; index++) {
      const row = this.rows.at(index);
      if (!row) continue;
      let view = this.shown.get(index);
      if (!view) {
        view = this.views.pop() ?? this.newView();
        this.shown.set(index, view);
        view.element.hidden = false;
      }
      view.show(row, this.layout.head ? this.phoneLook : this.look, this.marks);
      const isCursor = index === this.cursor;
      view.place(
        index,
        this.rows.length,
        this.offsets.top(index),
        this.offsets.height(index),
        index >= from && index <= to,
        isCursor,
      );
      if (isCursor) this.element.setAttribute("aria-activedescendant", view.element.id);
      if (this.layout.columns && isGuessed(row, this.layout.columns)) inexact = true;
    }
    if (!this.shown.has(this.cursor)) this.element.removeAttribute("aria-activedescendant");
    for (const view of this.views) view.free();
    return inexact;
  }

  // Rows with tabs, emoji or wide letters: now that they are drawn, their height is known.
  private remeasure(): void {
    let changed = false;
    for (const [index, view] of this.shown) {
      const row = this.rows.at(index);
      if (!row || !isGuessed(row, this.layout.columns)) continue;
      changed = this.offsets.measured(row, Math.max(1, Math.round(view.messageHeight / LINE))) || changed;
    }
    if (!changed) return;
    this.stale = true;
    this.schedule();
  }

  private newView(): RowView {
    const view = new RowView("row", this.shown.size + this.views.length);
    this.body.append(view.element);
    return view;
  }

  private readonly onScroll = (): void => {
    const { element } = this;
    const away =
      this.edge === "top" ? element.scrollTop : element.scrollHeight - element.clientHeight - element.scrollTop;
    // Drawn at once, not in the next frame: a scroll event comes right before the frame that shows it.
    if (!this.stale) this.draw();
    this.listener.onEdge(away < LINE);
  };

  private readonly onMouseDown = (event: MouseEvent): void => {
    // The browser would select text between the two clicks.
    if (event.shiftKey) event.preventDefault();
  };

  private readonly onClick = (event: MouseEvent): void => {
    const index = this.indexOf(event.target);
    const row = this.rows.at(index);
    if (!row) return;
    if (row.gap) {
      this.listener.onGap(row);
      return;
    }
    if (!event.shiftKey && !getSelection()?.isCollapsed) return; // text was selected, not a row
    this.move(index, event.shiftKey ? "extend" : "single");
    if (!event.shiftKey) this.listener.onOpen(row);
  };

  /** The place of the row that an element belongs to; -1: none. */
  indexOf(target: EventTarget | null): number {
    const element = target instanceof Element ? target.closest(".row") : null;
    for (const [index, view] of this.shown) if (view.element === element) return index;
    return -1;
  }

  private hovered: { row: Row; top: number } | null = null;

  /** The row under the pointer, and its distance from `above`; null over none. The pointer may go on to its tools. */
  hover(target: EventTarget | null, above: number): { row: Row; top: number } | null {
    if (target instanceof Element && target.closest(".row-tools")) return this.hovered;
    const index = this.indexOf(target);
    const row = this.rows.at(index);
    const box = this.shown.get(index)?.element.getBoundingClientRect();
    this.hovered = row?.entry && box ? { row, top: box.top - above } : null;
    return this.hovered;
  }
}
