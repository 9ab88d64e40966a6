// How many characters a wrapped message has in a line, found by a hidden row of the same look.

import { Row } from "./ring";
import { type Look, RowView } from "./rowview";

/** Longer lines than this no screen shows. */
const MOST = 1000;
const LEAST = 10;

// All rows of a look have the same time and level widths, so that any entry will do.
const SAMPLE = new Row({
  id: "",
  timestamp: "2000-01-01T00:00:00Z",
  level: "info",
  message: "0".repeat(MOST),
  labels: {},
  metadata: {},
});

/** A hidden row within the list's host. */
export class Probe {
  readonly element = document.createElement("div");
  private readonly view = new RowView("probe", 0);

  constructor() {
    this.element.setAttribute("aria-hidden", "true");
    this.view.element.removeAttribute("role");
    this.element.append(this.view.element);
  }

  /** Characters of a line, in a list that is `width` pixels wide. */
  columns(look: Look, width: number, shape: "narrow" | "wide"): number {
    const { element, view } = this;
    element.className = `loglist-probe is-wrapped${shape === "narrow" ? " is-narrow" : ""}`;
    element.style.width = `${width}px`;
    view.show(SAMPLE, look, { spansOf: () => [], current: null });
    const text = element.querySelector(".row-text")?.firstChild;
    return text ? Math.max(LEAST, firstBreak(text)) : LEAST;
  }
}

// Where the second line begins, by halving.
function firstBreak(text: Node): number {
  const range = document.createRange();
  const topOf = (at: number) => {
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().top;
  };
  const first = topOf(0);
  let [low, high] = [1, MOST];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (topOf(middle) > first + 1) high = middle;
    else low = middle + 1;
  }
  return low;
}
