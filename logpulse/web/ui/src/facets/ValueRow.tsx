import { visible } from "../ansi";
import { count } from "../format";
import type { ValueCount } from "../types";
import "./facets.css";

export interface ValueRowProps {
  value: ValueCount;
  /** Of the most frequent value, 0 to 1. */
  share: number;
  state: "in" | "out" | null;
  onInclude(value: string): void;
  onExclude(value: string): void;
}

/** One value with how often it occurs; a click keeps only it, or leaves it out. */
export function ValueRow({ value: { value, count: times }, share, state, onInclude, onExclude }: ValueRowProps) {
  const name = value === "" ? "(empty)" : visible(value);
  return (
    <li class="facet-value" data-state={state}>
      <button
        type="button"
        class="facet-include"
        title={`${name}\nClick: only these. Alt+click: all but these.`}
        aria-pressed={state === "in"}
        onClick={(event) => (event.altKey ? onExclude(value) : onInclude(value))}
      >
        <span class="facet-bar" style={{ width: `${Math.max(1, share * 100)}%` }} />
        <span class="facet-text">{name}</span> <span class="facet-count">{count(times)}</span>
      </button>
      <button
        type="button"
        class="facet-action"
        aria-label={`Exclude ${name}`}
        aria-pressed={state === "out"}
        title="All but these"
        onClick={() => onExclude(value)}
      >
        −
      </button>
    </li>
  );
}
