// String literals of LogQL, by Go's rules.

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
};

const ESCAPE = /((?:\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2})+)|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\([abfnrtv\\"])/g;

// Characters that would be invisible, or act on their surroundings, in the query's text.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Write a text as a string literal: in backquotes where that saves escapes (regular expressions, JSON), else in quotes. */
export function quote(text: string): string {
  if (/["\\]/.test(text) && !text.includes("`") && !UNPRINTABLE.test(text)) return `\`${text}\``;
  let body = "";
  for (const character of text) body += escaped(character);
  return `"${body}"`;
}

/** Read a string literal, also one whose end is missing; what is no escape stays as it stands. */
export function unquote(literal: string): string {
  const mark = literal[0];
  const body = literal.slice(1, literal.length > 1 && literal.endsWith(mark ?? "") ? -1 : undefined);
  if (mark === "`") return body.replaceAll("\r", "");
  return body.replace(ESCAPE, (whole: string, bytes?: string, short?: string, long?: string, simple?: string) => {
    if (bytes) return utf8(bytes);
    if (simple) return SIMPLE[simple] ?? whole;
    const code = Number.parseInt(short ?? long ?? "", 16);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });
}

/** Whether the text may name a label in a query; a keyword may not. */
export function isLabelName(text: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(text) && !KEYWORDS.has(text.toLowerCase());
}

/** Words that cannot name a label; `dedup` and `context` can. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "and or unless bool on ignoring group_left group_right by without offset json logfmt regexp pattern unpack " +
    "line_format label_format decolorize drop keep unwrap"
  ).split(" "),
);

/** Escape a text so that a regular expression of RE2 means exactly it. */
export function regexQuote(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

function escaped(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character === "\r") return "\\r";
  if (!UNPRINTABLE.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff) return "\ufffd"; // half a pair names no character
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

function utf8(escapes: string): string {
  const bytes = [...escapes.matchAll(/\\x(..)|\\(...)/g)].map(([, hex, octal]) =>
    hex ? Number.parseInt(hex, 16) : Number.parseInt(octal ?? "0", 8),
  );
  return new TextDecoder().decode(new Uint8Array(bytes));
}
