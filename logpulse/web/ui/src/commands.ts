// Keys to what the page does.

import { type Action, actionOf, focusOf } from "./keys";
import type { Level } from "./levels";
import type { Page } from "./page";
import type { Row } from "./ring";

const LETTERS_KEY = "logpulse.letters";

/** Whether single letters are keys; readers who speak to their machine switch them off. */
export function lettersSetting(): "on" | "off" {
  return localStorage.getItem(LETTERS_KEY) === "off" ? "off" : "on";
}

export function setLetters(letters: "on" | "off"): void {
  localStorage.setItem(LETTERS_KEY, letters);
}

/** Answers the page's keys until the page ends. */
export function listenToKeys(page: Page): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    const action = actionOf(event, focusOf(event.target), lettersSetting());
    if (!action) return;
    // A dialog has the keys for itself; Escape closes it.
    if (action !== "close" && document.querySelector("dialog[open]")) return;
    if (perform(page, action)) event.preventDefault();
  });
}

/** Does it; false leaves the key to the browser. */
export function perform(page: Page, action: Action): boolean {
  const { store, list, live } = page;
  if (store.place.value.view !== "search" && !ANYWHERE.has(action)) return false;
  switch (action) {
    case "find":
      if (store.findOpen.value) return false; // the second Ctrl+F is the browser's
      store.findOpen.value = true;
      return true;
    case "nextMatch":
    case "previousMatch":
      if (!store.findOpen.value) return false;
      page.stepMatch(action === "nextMatch" ? 1 : -1);
      return true;
    case "query":
      page.focusQuery();
      return true;
    case "run":
      page.run();
      return true;
    case "time":
      page.openTime();
      return true;
    case "live":
      page.toggleLive();
      return true;
    case "pause":
      if (!store.isLive.value) return false;
      if (store.tail.value.paused) page.resume();
      else live.pause();
      return true;
    case "history":
    case "help":
      store.sheet.value = store.sheet.value === action ? "none" : action;
      return true;
    case "facets":
      store.facetsOpen.value = !store.facetsOpen.value;
      return true;
    case "wrap":
      page.look({ wrap: !store.place.value.wrap });
      return true;
    case "earlier":
      page.shift(-1);
      return true;
    case "later":
      page.shift(1);
      return true;
    case "zoomOut":
      page.zoomOut();
      return true;
    case "close":
      return closeTopmost(page);
    default:
      return list !== null && moveIn(page, list, action);
  }
}

const ANYWHERE: ReadonlySet<Action> = new Set(["help", "history", "close"]);

function moveIn(page: Page, list: NonNullable<Page["list"]>, action: Action): boolean {
  const row = list.current;
  switch (action) {
    case "down":
      list.moveBy(1);
      return true;
    case "up":
      list.moveBy(-1);
      return true;
    case "extendDown":
      list.moveBy(1, "extend");
      return true;
    case "extendUp":
      list.moveBy(-1, "extend");
      return true;
    case "pageDown":
      list.moveBy(list.page);
      return true;
    case "pageUp":
      list.moveBy(-list.page);
      return true;
    case "first":
      list.move(0);
      return true;
    case "last":
      list.move(Number.MAX_SAFE_INTEGER);
      return true;
    case "details":
      if (row?.gap) void page.live.fill(row);
      else page.openDetails();
      return row !== null;
    case "context":
      if (row?.entry) page.openContext(row.entry);
      return row !== null;
    case "copyLine":
      if (row) page.copyRows([row]);
      return row !== null;
    case "copyLink":
      void page.copy(row?.entry ? page.linkToNow(row.entry) : page.link(), "link copied");
      return true;
    case "selectAll":
      list.selectAll();
      return true;
    case "copySelection": {
      const rows = list.selection;
      // Text that was selected with the mouse within a line is the browser's to copy.
      if (!rows.length || !(getSelection()?.isCollapsed ?? true)) return false;
      page.copyRows(rows);
      return true;
    }
    case "nextError":
      return jump(list, 1, ["critical", "error"]);
    case "previousError":
      return jump(list, -1, ["critical", "error"]);
    case "nextWarning":
      return jump(list, 1, ["warn"]);
    case "previousWarning":
      return jump(list, -1, ["warn"]);
    default:
      return false;
  }
}

function jump(list: NonNullable<Page["list"]>, step: 1 | -1, levels: readonly Level[]): boolean {
  const at = list.seek(step, (row: Row) => row.entry !== null && levels.includes(row.level));
  if (at >= 0) list.move(at);
  return true;
}

function closeTopmost(page: Page): boolean {
  const { store } = page;
  if (store.sheet.value !== "none") store.sheet.value = "none";
  else if (store.context.value) page.closeContext();
  else if (store.findOpen.value) page.closeFind();
  else if (store.facetsOpen.value) store.facetsOpen.value = false;
  else if (store.detailsOpen.value) page.closeDetails();
  else if (page.list && page.list.selection.length > 1) page.list.move(page.list.cursorIndex);
  else return false;
  return true;
}
