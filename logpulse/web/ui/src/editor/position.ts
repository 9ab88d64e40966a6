// Positions of the server count characters; the editor counts UTF-16 units.

import type { ErrorAnswer } from "../types";

/** from..to of an error in the text, at least one unit wide where there is one; null where it has no place. */
export function spanOf(text: string, { position }: ErrorAnswer): { from: number; to: number } | null {
  if (!position) return null;
  const from = unitsOf(text, position.offset);
  const to = unitsOf(text, position.offset + position.length);
  if (to > from) return { from, to };
  return { from: Math.max(0, Math.min(from, text.length - 1)), to: Math.min(text.length, from + 1) };
}

/** What the error says without where, as the squiggle shows that. */
export function reasonOf({ error, hint }: ErrorAnswer): string {
  const reason = error.replace(/^parse error at line \d+, column \d+: /, "");
  return hint && reason.endsWith(`(${hint})`) ? reason.slice(0, -hint.length - 2).trimEnd() : reason;
}

function unitsOf(text: string, characters: number): number {
  let units = 0;
  for (let count = 0; count < characters && units < text.length; count++) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  }
  return units;
}
