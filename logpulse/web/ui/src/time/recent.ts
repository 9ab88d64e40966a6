// The ranges chosen last, in localStorage.

import type { TimeRange } from "../slots";

const KEY = "logpulse.ranges.1";
const KEPT = 5;

/** Remembers the ranges chosen last, the newest first; forgets them with the page where the browser keeps nothing. */
export class RecentRanges {
  ranges: readonly TimeRange[];

  constructor(private readonly owner: { readonly localStorage: Pick<Storage, "getItem" | "setItem"> }) {
    this.ranges = this.read();
  }

  note(range: TimeRange): void {
    const others = this.ranges.filter(({ from, to }) => from !== range.from || to !== range.to);
    this.ranges = [range, ...others].slice(0, KEPT);
    try {
      this.owner.localStorage.setItem(KEY, JSON.stringify(this.ranges));
    } catch {
      // full or forbidden
    }
  }

  private read(): TimeRange[] {
    try {
      const read: unknown = JSON.parse(this.owner.localStorage.getItem(KEY) ?? "[]");
      return Array.isArray(read) ? read.filter(isRange).slice(0, KEPT) : [];
    } catch {
      return [];
    }
  }
}

function isRange(value: unknown): value is TimeRange {
  if (typeof value !== "object" || value === null || !("from" in value) || !("to" in value)) return false;
  return typeof value.from === "string" && typeof value.to === "string";
}
