// The seven levels that the page knows, from the most severe on, and the many words that programs use for them.

export const LEVELS = ["critical", "error", "warn", "info", "debug", "trace", "unknown"] as const;

export type Level = (typeof LEVELS)[number];

const WORDS: Readonly<Record<Level, string>> = {
  critical: "CRT",
  error: "ERR",
  warn: "WRN",
  info: "INF",
  debug: "DBG",
  trace: "TRC",
  unknown: "???",
};

const NAMES: ReadonlyMap<string, Level> = new Map<string, Level>([
  ...["critical", "crit", "crt", "fatal", "emerg", "emergency", "alert", "panic"].map((name) => pair(name, "critical")),
  ...["error", "err", "erro", "eror", "severe", "failure"].map((name) => pair(name, "error")),
  ...["warn", "warning", "wrn"].map((name) => pair(name, "warn")),
  ...["info", "inf", "information", "informational", "notice"].map((name) => pair(name, "info")),
  ...["debug", "dbg", "fine", "verbose"].map((name) => pair(name, "debug")),
  ...["trace", "trc", "finest"].map((name) => pair(name, "trace")),
]);

function pair(name: string, level: Level): [string, Level] {
  return [name, level];
}

/** The level that a word of any program means; `unknown` for others. */
export function levelOf(word: string): Level {
  return NAMES.get(word.toLowerCase()) ?? "unknown";
}

/** The three letters that stand before a line. */
export function levelWord(level: Level): string {
  return WORDS[level];
}
