// One recycled row of the list: its elements, and how an entry is drawn into them. Text reaches the page as text nodes only.

import { mergeSpans, type Span } from "./find";
import { bytes, clock, count, dateTime, type Precision } from "./format";
import { levelWord } from "./levels";
import type { Row } from "./ring";
import type { Entry } from "./types";

/** What decides how all rows look; a new object makes every row be drawn anew. */
export interface Look {
  zone: string;
  precision: Precision;
  /** Times with their day, as the rows are of more than one. */
  dated: boolean;
  wrap: boolean;
  columns: readonly string[];
}

/** What is marked within a message, `current` being the match that find stands on. */
export interface Marks {
  spansOf(row: Row): readonly Span[];
  current: Row | null;
}

/** The elements of one row on the screen. */
export class RowView {
  readonly element = document.createElement("div");
  private readonly time = span("row-time");
  private readonly level = span("row-level");
  private readonly message = span("row-text");
  private readonly more = span("row-more");
  private cells: HTMLElement[] = [];
  private row: Row | null = null;
  private look: Look | null = null;
  private marks: Marks | null = null;

  /** The place of the row that this shows; -1: free. */
  index = -1;

  constructor(prefix: string, number: number) {
    this.element.id = `${prefix}-${number}`;
    this.element.setAttribute("role", "option");
    this.element.append(this.time, this.level, this.message, this.more);
  }

  /** Draws a row where it or the look changed. */
  show(row: Row, look: Look, marks: Marks): void {
    if (row === this.row && look === this.look && marks === this.marks) return;
    if (look.columns !== this.look?.columns) this.setCells(look.columns);
    this.row = row;
    this.look = look;
    this.marks = marks;
    if (row.entry) this.showEntry(row, row.entry, look, marks);
    else this.showGap(row);
  }

  /** Places the row and says where it stands among all. What did not change is not written, as each write costs. */
  place(index: number, total: number, top: number, height: number, selected: boolean, cursor: boolean): void {
    const { element } = this;
    if (index !== this.index) element.setAttribute("aria-posinset", String(index + 1));
    this.index = index;
    this.write("setsize", String(total), (value) => element.setAttribute("aria-setsize", value));
    this.write("top", `translateY(${top}px)`, (value) => {
      element.style.transform = value;
    });
    this.write("height", `${height}px`, (value) => {
      element.style.height = value;
    });
    this.write("selected", String(selected), (value) => element.setAttribute("aria-selected", value));
    this.write("cursor", cursor ? (this.row?.level ?? "") : "", (level) => {
      element.classList.toggle("is-cursor", cursor);
      // Three letters are read letter by letter; the row that is read out says its level as a word, too.
      if (level) element.setAttribute("aria-description", level);
      else element.removeAttribute("aria-description");
    });
  }

  private readonly written = new Map<string, string>();

  private write(name: string, value: string, apply: (value: string) => void): void {
    if (this.written.get(name) === value) return;
    this.written.set(name, value);
    apply(value);
  }

  /** Takes the row off the screen until another is shown. */
  free(): void {
    if (this.index < 0) return;
    this.index = -1;
    this.element.hidden = true;
    this.element.removeAttribute("aria-posinset");
  }

  /** Pixels that the message takes, for rows whose wrapping cannot be computed. */
  get messageHeight(): number {
    return this.message.scrollHeight;
  }

  private setCells(columns: readonly string[]): void {
    for (const cell of this.cells) cell.remove();
    this.cells = columns.map(() => span("row-cell"));
    this.message.before(...this.cells);
  }

  private showEntry(row: Row, entry: Entry, look: Look, marks: Marks): void {
    this.setClass(`row level-${row.level}`);
    const time = (look.dated ? dateTime : clock)(entry.timestamp, look.zone, look.precision);
    this.time.textContent = time;
    this.level.textContent = levelWord(row.level);
    this.cells.forEach((cell, at) => {
      const value = row.value(look.columns[at] ?? "");
      cell.textContent = value;
      cell.title = value;
    });
    const plain = row.plain;
    const lineEnd = look.wrap ? -1 : plain.indexOf("\n");
    const spans = marks.spansOf(row);
    this.drawText(row, lineEnd < 0 ? plain.length : lineEnd, spans, marks.current === row);
    this.more.textContent = moreText(row, lineEnd < 0 ? 0 : plain.split("\n").length - 1);
  }

  private setClass(name: string): void {
    if (this.written.get("class") === name) return;
    this.written.set("class", name);
    this.written.delete("cursor"); // which is a class too
    this.element.className = name;
  }

  private showGap(row: Row): void {
    this.setClass("row row-gap");
    this.time.textContent = "";
    this.level.textContent = "";
    for (const cell of this.cells) cell.textContent = "";
    const text = {
      open: "reconnected · lines may be missing here · load them",
      loading: "loading what is missing …",
      failed: "could not load · try again",
    }[row.gap?.state ?? "open"];
    this.message.textContent = text;
    this.more.textContent = "";
  }

  // Runs of one colour and spans of marks overlap freely; the text is cut at the borders of both.
  private drawText(row: Row, end: number, spans: readonly Span[], current: boolean): void {
    const { message } = this;
    const text = row.plain.slice(0, end);
    if (!spans.length && !row.entry?.message.includes("\u001b")) {
      if (message.firstChild instanceof Text && message.childNodes.length === 1) message.firstChild.data = text;
      else message.textContent = text;
      return;
    }
    const pieces: Node[] = [];
    const marked = mergeSpans(spans);
    let at = 0;
    let next = 0;
    for (const run of row.runs) {
      const runEnd = Math.min(at + run.text.length, end);
      while (at < runEnd) {
        while (marked[next] && (marked[next]?.[1] ?? 0) <= at) next++;
        const mark = marked[next];
        const inside = mark !== undefined && mark[0] <= at;
        const border = mark === undefined ? runEnd : Math.min(runEnd, inside ? mark[1] : mark[0]);
        pieces.push(piece(text.slice(at, border), run.style, inside, current));
        at = border;
      }
    }
    message.replaceChildren(...pieces);
  }
}

function piece(text: string, style: string, marked: boolean, current: boolean): Node {
  if (!style && !marked) return document.createTextNode(text);
  const element = document.createElement(marked ? "mark" : "span");
  element.className = marked && current ? `${style} is-current`.trim() : style;
  element.textContent = text;
  return element;
}

function moreText(row: Row, lines: number): string {
  const parts: string[] = [];
  if (lines) parts.push(`⋯ +${count(lines)} ${lines === 1 ? "line" : "lines"}`);
  if (row.hidden) parts.push(`⋯ ${bytes(row.entry?.message.length ?? 0)}`);
  return parts.join(" ");
}

function span(name: string): HTMLElement {
  const element = document.createElement("span");
  element.className = name;
  return element;
}
