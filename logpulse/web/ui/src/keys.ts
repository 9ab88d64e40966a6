// What each key does; docs and the help sheet are drawn from the same table.

export type Action =
  | "find"
  | "nextMatch"
  | "previousMatch"
  | "query"
  | "run"
  | "time"
  | "live"
  | "pause"
  | "down"
  | "up"
  | "extendDown"
  | "extendUp"
  | "pageDown"
  | "pageUp"
  | "first"
  | "last"
  | "details"
  | "context"
  | "copyLine"
  | "copyLink"
  | "copySelection"
  | "selectAll"
  | "wrap"
  | "nextError"
  | "previousError"
  | "nextWarning"
  | "previousWarning"
  | "earlier"
  | "later"
  | "zoomOut"
  | "history"
  | "facets"
  | "help"
  | "close";

interface Binding {
  /** `key` of the event, `Ctrl+` before it for Ctrl or Cmd, `Shift+` where the key alone does not tell. */
  keys: readonly string[];
  action: Action;
  text: string;
  group: "Search" | "Lines" | "Time" | "Live" | "Page";
}

export const BINDINGS: readonly Binding[] = [
  { keys: ["q"], action: "query", text: "edit the query", group: "Search" },
  { keys: ["Ctrl+Enter"], action: "run", text: "run the query", group: "Search" },
  {
    keys: ["/", "Ctrl+f"],
    action: "find",
    text: "find in the loaded lines",
    group: "Search",
  },
  { keys: ["n"], action: "nextMatch", text: "next match", group: "Search" },
  { keys: ["N"], action: "previousMatch", text: "previous match", group: "Search" },
  { keys: ["h"], action: "history", text: "history and saved queries", group: "Search" },
  { keys: ["f"], action: "facets", text: "labels and fields", group: "Search" },
  { keys: ["j", "ArrowDown"], action: "down", text: "next line", group: "Lines" },
  { keys: ["k", "ArrowUp"], action: "up", text: "previous line", group: "Lines" },
  { keys: ["Shift+ArrowDown", "J"], action: "extendDown", text: "select downwards", group: "Lines" },
  { keys: ["Shift+ArrowUp", "K"], action: "extendUp", text: "select upwards", group: "Lines" },
  { keys: ["PageDown"], action: "pageDown", text: "a screen down", group: "Lines" },
  { keys: ["PageUp"], action: "pageUp", text: "a screen up", group: "Lines" },
  { keys: ["g", "Home"], action: "first", text: "first line", group: "Lines" },
  { keys: ["G", "End"], action: "last", text: "last line", group: "Lines" },
  { keys: ["Enter", "o"], action: "details", text: "details of the line", group: "Lines" },
  { keys: ["c"], action: "context", text: "what happened around it", group: "Lines" },
  { keys: ["y"], action: "copyLine", text: "copy the line", group: "Lines" },
  { keys: ["Y"], action: "copyLink", text: "copy a link to the line", group: "Lines" },
  { keys: ["Ctrl+a"], action: "selectAll", text: "select all loaded lines", group: "Lines" },
  { keys: ["Ctrl+c"], action: "copySelection", text: "copy the selected lines", group: "Lines" },
  { keys: ["e"], action: "nextError", text: "next error", group: "Lines" },
  { keys: ["E"], action: "previousError", text: "previous error", group: "Lines" },
  { keys: ["r"], action: "nextWarning", text: "next warning", group: "Lines" },
  { keys: ["R"], action: "previousWarning", text: "previous warning", group: "Lines" },
  { keys: ["w"], action: "wrap", text: "wrap lines", group: "Lines" },
  { keys: ["t"], action: "time", text: "choose the time", group: "Time" },
  { keys: ["["], action: "earlier", text: "half a range earlier", group: "Time" },
  { keys: ["]"], action: "later", text: "half a range later", group: "Time" },
  { keys: ["-"], action: "zoomOut", text: "twice the range", group: "Time" },
  { keys: ["L"], action: "live", text: "follow live, or stop", group: "Live" },
  { keys: [" "], action: "pause", text: "pause and go on", group: "Live" },
  { keys: ["?"], action: "help", text: "this help", group: "Page" },
  { keys: ["Escape"], action: "close", text: "close what is on top", group: "Page" },
];

/** Where the focus is: `text` takes letters, `control` takes Enter and Space, `rows` is the list or nothing at all. */
export type Focus = "text" | "control" | "rows";

const ACTIONS: ReadonlyMap<string, Action> = new Map(
  BINDINGS.flatMap(({ keys, action }) => keys.map((key): [string, Action] => [key, action])),
);

const OF_CONTROLS: ReadonlySet<string> = new Set([
  "Enter",
  " ",
  "ArrowDown",
  "ArrowUp",
  "Home",
  "End",
  "PageDown",
  "PageUp",
  "Ctrl+a",
  "Ctrl+c",
  "Ctrl+f",
  "Shift+ArrowDown",
  "Shift+ArrowUp",
]);

/** What a key event means; `letters` false switches single letters off (WCAG 2.1.4). Null: it is not the page's. */
export function actionOf(
  event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">,
  focus: Focus,
  letters: "on" | "off",
): Action | null {
  if (event.altKey) return null;
  const command = event.ctrlKey || event.metaKey;
  const shift = event.shiftKey && event.key.startsWith("Arrow");
  const name = `${command ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${event.key}`;
  if (name === "Escape" || name === "Ctrl+Enter") return ACTIONS.get(name) ?? null;
  if (focus === "text") return null;
  if (focus === "control" && OF_CONTROLS.has(name)) return null;
  if (letters === "off" && !command && event.key.length === 1 && event.key !== " ") return null;
  return ACTIONS.get(name) ?? null;
}

/** Where the focus is, by the element that an event came from. */
export function focusOf(target: EventTarget | null): Focus {
  if (!(target instanceof HTMLElement)) return "rows";
  if (target.isContentEditable || target.matches("input, textarea, select")) return "text";
  if (target === document.body || target.closest(".loglist")) return "rows";
  return "control";
}
