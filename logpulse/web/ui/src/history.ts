// Runs of this browser, and those that were saved: in localStorage, under a versioned key.

import { signal } from "@preact/signals";

export interface PastRun {
  query: string;
  from: string;
  to: string;
  found: number;
  milliseconds: number;
  /** Milliseconds since 1970. */
  at: number;
  saved: boolean;
}

const KEY = "logpulse.history.1";
const KEPT = 100;

/** The last runs, the newest first, and all saved ones. */
export class History {
  readonly runs = signal<readonly PastRun[]>(read());

  /** Notes a run; the same query over the same range moves to the top. */
  note(query: string, from: string, to: string, found: number, milliseconds: number): void {
    const same = (run: PastRun) => run.query === query && run.from === from && run.to === to;
    const saved = this.runs.value.find(same)?.saved ?? false;
    const rest = this.runs.value.filter((run) => !same(run));
    const recent = [{ query, from, to, found, milliseconds, at: Date.now(), saved }, ...rest];
    this.keep(recent.filter((run, index) => run.saved || index < KEPT));
  }

  toggleSaved(wanted: PastRun): void {
    this.keep(this.runs.value.map((run) => (run === wanted ? { ...run, saved: !run.saved } : run)));
  }

  /** Forgets what was not saved. */
  clear(): void {
    this.keep(this.runs.value.filter(({ saved }) => saved));
  }

  /** Adds runs of an exported text; answers how many, or null where the text is none. */
  import(text: string): number | null {
    const runs = parse(text);
    if (!runs) return null;
    const known = new Set(this.runs.value.map(({ query, from, to }) => `${from} ${to} ${query}`));
    const fresh = runs.filter(({ query, from, to }) => !known.has(`${from} ${to} ${query}`));
    this.keep([...this.runs.value, ...fresh]);
    return fresh.length;
  }

  export(): string {
    return JSON.stringify(this.runs.value, null, 1);
  }

  private keep(runs: readonly PastRun[]): void {
    this.runs.value = runs;
    try {
      localStorage.setItem(KEY, JSON.stringify(runs));
    } catch {
      // A full or forbidden storage: the history then lasts as long as the page.
    }
  }
}

function read(): PastRun[] {
  return parse(localStorage.getItem(KEY) ?? "[]") ?? [];
}

function parse(text: string): PastRun[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isRun) : null;
  } catch {
    return null;
  }
}

function isRun(value: unknown): value is PastRun {
  if (typeof value !== "object" || value === null) return false;
  const run: Partial<Record<keyof PastRun, unknown>> = value;
  return (
    typeof run.query === "string" &&
    typeof run.from === "string" &&
    typeof run.to === "string" &&
    typeof run.found === "number" &&
    typeof run.milliseconds === "number" &&
    typeof run.at === "number" &&
    typeof run.saved === "boolean"
  );
}
