// The newest rows of a result, of which no entry is in twice: what the list shows.

import { ansiRuns, type Run, stripAnsi, visible } from "./ansi";
import { type Level, levelOf } from "./levels";
import { fieldsOf } from "./message";
import type { Entry } from "./types";

/** So many characters of a line the list draws; the details show more. */
export const LINE_CAP = 4096;

/** Fields of longer lines are no columns, as a screen of them would take too long to read. */
const FIELDS_WITHIN = 16_384;

/** A place in a tail where entries may be missing; `load` asks for them. */
export interface Gap {
  /** The last entry before, and the first one after, by their timestamps; null: there is none. */
  after: string;
  before: string | null;
  state: "open" | "loading" | "failed";
}

/** One row: an entry or a gap, with what drawing it needs, computed when first asked for. */
export class Row {
  /** Lines that the wrapped text takes, and for how many columns that holds; the list's own. */
  wrappedLines = 0;
  wrappedFor = 0;
  /** For how many columns these lines were measured, not computed. */
  measuredFor = 0;
  private text: string | null = null;
  private fields: ReadonlyMap<string, string> | null = null;

  constructor(
    readonly entry: Entry | null,
    readonly gap: Gap | null = null,
  ) {
    this.level = entry ? levelOf(entry.level) : "unknown";
  }

  readonly level: Level;

  /** The message as it is drawn, without colours, hidden characters shown, at most `LINE_CAP` characters. */
  get plain(): string {
    this.text ??= visible(stripAnsi(this.capped));
    return this.text;
  }

  /** The drawn message in runs of one style; together they are `plain`. */
  get runs(): Run[] {
    return ansiRuns(this.capped).map(({ text, style }) => ({ text: visible(text), style }));
  }

  /** The value of a column: of a label, of metadata, or of a field of the line, whether the query parses it or not. */
  value(name: string): string {
    const { labels = {}, metadata = {} } = this.entry ?? {};
    const value = own(labels, name) ?? own(metadata, name) ?? this.field(name);
    return visible(value.length > LINE_CAP ? value.slice(0, LINE_CAP) : value);
  }

  /** Characters of the message that the list does not draw. */
  get hidden(): number {
    return Math.max(0, (this.entry?.message.length ?? 0) - LINE_CAP);
  }

  private field(name: string): string {
    const message = this.entry?.message ?? "";
    if (message.length > FIELDS_WITHIN) return "";
    this.fields ??= new Map(fieldsOf(message).map((field) => [field.name, field.value]));
    return this.fields.get(name) ?? "";
  }

  private get capped(): string {
    const message = this.entry?.message ?? "";
    return (message.length > LINE_CAP ? message.slice(0, LINE_CAP) : message)
      .replace(/\r?\n$/, "")
      .replaceAll("\r\n", "\n");
  }
}

// A label may be called `constructor`, which every object has of its own accord.
function own(values: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** What the list reads: rows by their place on the screen, the first on top. */
export interface Rows {
  readonly length: number;
  at(index: number): Row | undefined;
}

/** Rows in the order of their arrival, the oldest of which give way when there are more than `capacity`. */
export class Ring implements Rows {
  private slots: Row[] = [];
  private head = 0;
  private readonly ids = new Set<string>();

  /** `evicted` counts the rows that gave way since the last `clear`. */
  evicted = 0;

  constructor(readonly capacity: number) {}

  get length(): number {
    return this.slots.length;
  }

  /** The row at a place, 0 being the oldest. */
  at(index: number): Row | undefined {
    if (index < 0 || index >= this.slots.length) return undefined;
    return this.slots[(this.head + index) % this.slots.length];
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }

  /** Adds the entries that are not there yet behind the newest; answers how many they were. */
  push(entries: readonly Entry[]): number {
    let added = 0;
    for (const entry of entries) {
      if (this.ids.has(entry.id)) continue;
      this.ids.add(entry.id);
      this.append(new Row(entry));
      added++;
    }
    return added;
  }

  /** Marks that entries may be missing behind the newest row. */
  pushGap(gap: Gap): void {
    this.append(new Row(null, gap));
  }

  /** Puts older entries before the oldest row, as far as there is room; answers how many. */
  unshift(entries: readonly Entry[]): number {
    const fresh = this.fresh(entries);
    const fit = fresh.slice(Math.max(0, fresh.length - (this.capacity - this.length)));
    this.replaceAll([...fit.map((entry) => new Row(entry)), ...this.toArray()]);
    return fit.length;
  }

  /** Puts entries in the place of a gap, which goes, or stays before the rest where `rest` names one. */
  fillGap(row: Row, entries: readonly Entry[], rest: Gap | null = null): number {
    const rows = this.toArray();
    const at = rows.indexOf(row);
    if (at < 0) return 0;
    const fresh = this.fresh(entries);
    const filled = fresh.map((entry) => new Row(entry));
    rows.splice(at, 1, ...filled, ...(rest ? [new Row(null, rest)] : []));
    this.replaceAll(rows);
    return fresh.length;
  }

  /** Exchanges a row in its place, so that the list sees that it changed. */
  replace(row: Row, by: Row): void {
    const at = this.slots.indexOf(row);
    if (at >= 0) this.slots[at] = by;
  }

  clear(): void {
    this.slots = [];
    this.head = 0;
    this.evicted = 0;
    this.ids.clear();
  }

  private fresh(entries: readonly Entry[]): Entry[] {
    return entries.filter((entry) => {
      if (this.ids.has(entry.id)) return false;
      this.ids.add(entry.id);
      return true;
    });
  }

  private append(row: Row): void {
    if (this.slots.length < this.capacity) {
      this.slots.push(row);
      return;
    }
    const old = this.slots[this.head];
    if (old?.entry) this.ids.delete(old.entry.id);
    this.slots[this.head] = row;
    this.head = (this.head + 1) % this.capacity;
    this.evicted++;
  }

  private toArray(): Row[] {
    return [...this.slots.slice(this.head), ...this.slots.slice(0, this.head)];
  }

  private replaceAll(rows: Row[]): void {
    const surplus = Math.max(0, rows.length - this.capacity);
    for (const row of rows.slice(0, surplus)) if (row.entry) this.ids.delete(row.entry.id);
    this.evicted += surplus;
    this.slots = rows.slice(surplus);
    this.head = 0;
  }
}

/** The same rows, the newest on top. */
export class Reversed implements Rows {
  constructor(private readonly rows: Rows) {}

  get length(): number {
    return this.rows.length;
  }

  at(index: number): Row | undefined {
    return this.rows.at(this.rows.length - 1 - index);
  }
}

/** Those rows of a list that a predicate picks, as of now. */
export class Filtered implements Rows {
  private readonly picked: Row[] = [];

  constructor(rows: Rows, picks: (row: Row) => boolean) {
    for (let index = 0; index < rows.length; index++) {
      const row = rows.at(index);
      if (row && picks(row)) this.picked.push(row);
    }
  }

  get length(): number {
    return this.picked.length;
  }

  at(index: number): Row | undefined {
    return this.picked[index];
  }
}

/** The place of the row of an entry; -1 where there is none. */
export function indexOfEntry(rows: Rows, id: string): number {
  for (let index = 0; index < rows.length; index++) if (rows.at(index)?.entry?.id === id) return index;
  return -1;
}

/** How far a row is from its old place; null where it is gone. It is sought outwards, as most changes move it little. */
export function movedBy(rows: Rows, row: Row, from: number): number | null {
  for (let away = 0; away <= rows.length; away++) {
    if (rows.at(from + away) === row) return away;
    if (rows.at(from - away) === row) return -away;
  }
  return null;
}
