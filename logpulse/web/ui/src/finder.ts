// The find bar's state: what is sought in the loaded lines, where it is, and at which match the reader stands.

import { signal } from "@preact/signals";
import { literalRows, literalSpans, nextOf, plainWords, type Search, type Span } from "./find";
import type { FindAnswer, FindTask } from "./find.worker";
import * as build from "./logql/build";
import type { Row, Rows } from "./ring";
import type { Marks } from "./rowview";

const PATIENCE = 2000;

/** Finds in rows; regular expressions with an end to the patience. */
export class Finder {
  readonly search = signal<Search>({ text: "", regex: false, matchCase: false });
  /** Places of the rows with a match, ascending. */
  readonly found = signal<readonly number[]>([]);
  readonly error = signal("");
  /** The place of the current match; -1: none. */
  readonly current = signal(-1);

  private worker: Worker | null = null;
  private patience = 0;
  private tasks = 0;
  private byRow = new Map<Row, Span[]>();
  private rows: Rows = { length: 0, at: () => undefined };

  /** Seeks anew, after the text or the rows changed. */
  look(rows: Rows): void {
    this.rows = rows;
    const { text, regex, matchCase } = this.search.value;
    this.error.value = "";
    this.byRow = new Map();
    this.endWorker();
    if (text && regex) this.askWorker(text, matchCase);
    else this.found.value = literalRows(rows, text, matchCase);
  }

  /** Goes to the next match, or the one before; answers its place. */
  step(by: 1 | -1): number {
    const from = this.current.value < 0 && by < 0 ? this.rows.length : this.current.value;
    this.current.value = nextOf(this.found.value, from, by);
    return this.current.value;
  }

  /** "3 of 214": the number of the current match among all. */
  get ordinal(): number {
    return this.found.value.indexOf(this.current.value) + 1;
  }

  close(): void {
    this.search.value = { ...this.search.value, text: "" };
    this.found.value = [];
    this.current.value = -1;
    this.byRow = new Map();
    this.endWorker();
  }

  /** What the list marks: what the query's line filters look for, and what is sought. */
  marks(query: string): Marks {
    const { text, regex, matchCase } = this.search.value;
    const wanted = wordsOf(query);
    const { byRow } = this;
    return {
      current: this.rows.at(this.current.value) ?? null,
      spansOf: (row) => {
        const spans = wanted.flatMap(({ word, ignoreCase }) => literalSpans(row.plain, word, !ignoreCase));
        if (text) spans.push(...(regex ? (byRow.get(row) ?? []) : literalSpans(row.plain, text, matchCase)));
        return spans;
      },
    };
  }

  private askWorker(pattern: string, matchCase: boolean): void {
    const rows: Row[] = [];
    for (let index = 0; index < this.rows.length; index++) {
      const row = this.rows.at(index);
      if (row) rows.push(row);
    }
    const worker = new Worker(new URL("./find.worker.ts", import.meta.url), { type: "module" });
    this.worker = worker;
    const task: FindTask = { number: ++this.tasks, pattern, matchCase, texts: rows.map((row) => row.plain) };
    worker.onmessage = (event: MessageEvent<FindAnswer>) => {
      if (event.data.number !== this.tasks) return;
      this.endWorker();
      this.error.value = event.data.error;
      for (const [index, spans] of event.data.found) {
        const row = rows[index];
        if (row) this.byRow.set(row, spans);
      }
      this.found.value = event.data.found.map(([index]) => index);
    };
    this.patience = window.setTimeout(() => {
      this.endWorker();
      this.error.value = "this pattern takes too long";
      this.found.value = [];
    }, PATIENCE);
    worker.postMessage(task);
  }

  private endWorker(): void {
    clearTimeout(this.patience);
    this.worker?.terminate();
    this.worker = null;
  }
}

function wordsOf(query: string): { word: string; ignoreCase: boolean }[] {
  return build.lineFilters(query).flatMap(({ text, regex }) => {
    if (!regex) return text ? [{ word: text, ignoreCase: false }] : [];
    const plain = plainWords(text);
    return plain ? plain.words.map((word) => ({ word, ignoreCase: plain.ignoreCase })) : [];
  });
}
