// The words of a query, read so that every text has some: half-typed queries are the rule in an editor.

export type TokenKind = "string" | "name" | "number" | "range" | "flag" | "operator" | "other";

/** A word of a query, from..to in UTF-16 units; `closed` is false for a string or range whose end is missing. */
export interface Token {
  kind: TokenKind;
  text: string;
  from: number;
  to: number;
  closed: boolean;
}

// Alternatives in the order of the server's lexer. The open forms come last: they take the rest of the line.
const WORD = new RegExp(
  [
    /(?<skip>\s+|#[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/(?=\s*$))/,
    /(?<string>"[^"\\\n]*(?:\\.[^"\\\n]*)*"|`[^`]*`)/,
    /(?<open>"[^\n]*|`[\s\S]*)/,
    /(?<range>\[[^\]\n]*\])/,
    /(?<openRange>\[[a-z0-9$_]*)/,
    /(?<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+|[a-zA-Zµμ]+(?:[0-9.]+[a-zµμ]+)*)?)/,
    /(?<name>[a-zA-Z_][a-zA-Z0-9_]*)/,
    /(?<flag>--[a-z-]*)/,
    /(?<operator>\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[{}()|,=<>+\-*/%^])/,
    /(?<other>[\s\S])/,
  ]
    .map((part) => part.source)
    .join("|"),
  "uy",
);

/** Read the words of a query, without blanks and comments. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let from = 0;
  while (from < text.length) {
    WORD.lastIndex = from;
    const groups = WORD.exec(text)?.groups ?? {};
    const entry = Object.entries(groups).find(([, found]) => found !== undefined);
    if (!entry?.[1]) break;
    const [name, word] = entry;
    const to = from + word.length;
    const kind = KINDS[name];
    if (kind) tokens.push({ kind, text: word, from, to, closed: !name.startsWith("open") });
    from = to;
  }
  return tokens;
}

/** Whether the position stands in a comment, where nothing is completed. */
export function inComment(text: string, position: number): boolean {
  const gap = text.slice(tokenize(text.slice(0, position)).at(-1)?.to ?? 0, position); // blanks and comments only
  return gap.slice(gap.lastIndexOf("\n") + 1).includes("#");
}

const KINDS: Readonly<Record<string, TokenKind>> = {
  string: "string",
  open: "string",
  range: "range",
  openRange: "range",
  number: "number",
  name: "name",
  flag: "flag",
  operator: "operator",
  other: "other",
};
