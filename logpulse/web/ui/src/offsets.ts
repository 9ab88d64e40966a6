// Where rows begin, in pixels: a multiplication while all have one height, else sums over the heights.

import type { Row, Rows } from "./ring";

/** How rows are laid out. */
export interface Layout {
  /** Pixels of one line of text. */
  line: number;
  /** Characters that fit into a line of a wrapped message; 0: not wrapped. */
  columns: number;
  /** Lines that a wrapped row has besides its message: 1 on phones, where time and level stand above it. */
  head: number;
}

// Printable ASCII and line feeds: what `line-break: anywhere` breaks exactly at the column, so that nothing is measured.
const PLAIN = /^[\x20-\x7e\n]*$/;

/** Lines of text that a wrapped message takes; exact for ASCII, a guess for others, which are measured when drawn. */
export function wrappedLines(text: string, columns: number): number {
  let lines = 0;
  let from = 0;
  do {
    const end = text.indexOf("\n", from);
    const length = (end < 0 ? text.length : end) - from;
    lines += Math.max(1, Math.ceil(length / columns));
    from = end + 1;
  } while (from > 0);
  return lines;
}

/** Whether `wrappedLines` is exact for this text. */
export function isExact(text: string): boolean {
  return PLAIN.test(text);
}

/** Whether a row that was drawn has to be measured: once for each number of columns, where the lines are a guess. */
export function isGuessed(row: Row, columns: number): boolean {
  return row.entry !== null && row.measuredFor !== columns && !isExact(row.plain);
}

/** Offsets of the rows of a list. */
export class Offsets {
  private sums: Float64Array = new Float64Array(1);
  private count = 0;
  private layout: Layout = { line: 22, columns: 0, head: 0 };

  /** Takes over rows and layout; rows keep the lines they were counted or measured to have. */
  update(rows: Rows, layout: Layout): void {
    this.layout = layout;
    this.count = rows.length;
    if (!layout.columns) return;
    if (this.sums.length < this.count + 1) this.sums = new Float64Array(Math.ceil((this.count + 1) * 1.5));
    let sum = 0;
    for (let index = 0; index < this.count; index++) {
      this.sums[index] = sum;
      const row = rows.at(index);
      if (row) sum += this.linesOf(row) * layout.line;
    }
    this.sums[this.count] = sum;
  }

  /** Notes the measured lines of a row; `update` must follow where this answers true. */
  measured(row: Row, lines: number): boolean {
    row.measuredFor = this.layout.columns;
    if (row.wrappedFor === this.layout.columns && row.wrappedLines === lines) return false;
    row.wrappedFor = this.layout.columns;
    row.wrappedLines = lines;
    return true;
  }

  get total(): number {
    return this.top(this.count);
  }

  top(index: number): number {
    return this.layout.columns ? (this.sums[index] ?? 0) : index * this.layout.line;
  }

  height(index: number): number {
    return this.top(index + 1) - this.top(index);
  }

  /** The row at a height; the last one below the end. */
  indexAt(pixels: number): number {
    if (!this.layout.columns) return clamp(Math.floor(pixels / this.layout.line), this.count);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.sums[middle] ?? 0) <= pixels) low = middle;
      else high = middle - 1;
    }
    return clamp(low, this.count);
  }

  private linesOf(row: Row): number {
    const { columns, head } = this.layout;
    if (row.gap) return 1;
    if (row.wrappedFor !== columns) {
      row.wrappedLines = wrappedLines(row.plain, columns);
      row.wrappedFor = columns;
    }
    return row.wrappedLines + head;
  }
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(index, count - 1));
}
