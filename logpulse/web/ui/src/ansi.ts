// Terminal colours of log lines as class names from a fixed list, and characters that hide or reorder text made visible.

/** A run of one style; `style` is a list of class names of this module, possibly empty. */
export interface Run {
  text: string;
  style: string;
}

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;

const ESC = String.fromCharCode(27);
const BEL = String.fromCharCode(7);
// CSI sequences; OSC up to its end, links among them; other two-character escapes. All are linear in the text.
const SEQUENCE = new RegExp(
  `${ESC}(?:\\[([0-9;:?]*)[ -/]*([@-~])|\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?|[@-Z\\\\^_])`,
  "g",
);

const HIDDEN = hiddenCharacters();

function hiddenCharacters(): RegExp {
  const ranges = [
    [0x00, 0x08], // C0 without tab and line feed
    [0x0b, 0x1f],
    [0x7f, 0x9f], // DEL and C1
    [0x061c, 0x061c], // Arabic letter mark
    [0x180e, 0x180e], // Mongolian vowel separator
    [0x200b, 0x200f], // zero width, direction marks
    [0x2028, 0x202e], // line and paragraph separators, bidirectional embedding
    [0x2060, 0x2069], // joiners, isolates
    [0xfeff, 0xfeff],
  ];
  const code = (value: number | undefined) => `\\u${(value ?? 0).toString(16).padStart(4, "0")}`;
  return new RegExp(`[${ranges.map(([from, to]) => `${code(from)}-${code(to)}`).join("")}]`, "g");
}

/** The text with control, zero-width and direction characters shown: C0 as its picture, others as ⟨U+202E⟩. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return "␡";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** The text without its colours, for copies, search and measuring. */
export function stripAnsi(text: string): string {
  return text.includes(ESC) ? text.replace(SEQUENCE, "") : text;
}

interface Style {
  colour: string;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

/** The runs of a text, in order; their texts together are `stripAnsi(text)`. */
export function ansiRuns(text: string): Run[] {
  if (!text.includes(ESC)) return [{ text, style: "" }];
  const runs: Run[] = [];
  const style: Style = { colour: "", bold: false, dim: false, italic: false, underline: false };
  let from = 0;
  for (const found of text.matchAll(SEQUENCE)) {
    if (found.index > from) runs.push({ text: text.slice(from, found.index), style: classes(style) });
    from = found.index + found[0].length;
    if (found[2] === "m") apply(style, found[1] ?? "");
  }
  if (from < text.length) runs.push({ text: text.slice(from), style: classes(style) });
  return runs;
}

function apply(style: Style, parameters: string): void {
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 0) Object.assign(style, { colour: "", bold: false, dim: false, italic: false, underline: false });
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.underline = false;
    else if (code === 39) style.colour = "";
    else if (code >= 30 && code <= 37) style.colour = COLOURS[code - 30] ?? "";
    else if (code >= 90 && code <= 97) style.colour = COLOURS[code - 90] ?? "";
    else if (code === 38 || code === 48) {
      const palette = codes[at + 1] === 5;
      if (code === 38) style.colour = palette ? paletteColour(codes[at + 2] ?? 0) : "";
      at += palette ? 2 : 4;
    }
  }
}

// Of the 256 colours the first 16 have names; the others keep the text's own, which is readable in each theme.
function paletteColour(index: number): string {
  return index < 16 ? (COLOURS[index % 8] ?? "") : "";
}

function classes(style: Style): string {
  const names: string[] = [];
  if (style.colour) names.push(`ansi-${style.colour}`);
  if (style.bold) names.push("ansi-bold");
  if (style.dim) names.push("ansi-dim");
  if (style.italic) names.push("ansi-italic");
  if (style.underline) names.push("ansi-underline");
  return names.join(" ");
}
