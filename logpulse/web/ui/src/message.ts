// What a message holds as JSON or logfmt, as LogQL's parsers name it.

import type { FieldKind } from "./slots";

export interface Field {
  kind: FieldKind;
  name: string;
  value: string;
}

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Larger messages are shown as text; reading them would hold up the page. */
const READ_AT_MOST = 262_144;

/** The message as JSON, where it is an object or an array; null where it is not. */
export function jsonOf(message: string): Json | null {
  const text = message.trimStart();
  if ((text[0] !== "{" && text[0] !== "[") || text.length > READ_AT_MOST) return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

// A pair begins where a word does: begun at each letter of a long word, the search would take the square of its length.
const PAIR = /(?<=^|\s)([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)/g;

/** The pairs of a logfmt message; null where less than half of the text is pairs. */
export function logfmtOf(message: string): [name: string, value: string][] | null {
  if (message.length > READ_AT_MOST || !message.includes("=")) return null;
  const pairs: [string, string][] = [];
  let covered = 0;
  for (const found of message.matchAll(PAIR)) {
    covered += found[0].length + 1;
    pairs.push([
      found[1] ?? "",
      found[2]?.replace(/\\(.)/g, (_, next: string) => (next === "n" ? "\n" : next)) ?? found[3] ?? "",
    ]);
  }
  return covered * 2 > message.trim().length ? pairs : null;
}

/** Objects within objects that are looked into; nested deeper, a line would exhaust the stack. */
const DEPTH_AT_MOST = 64;

/** The fields that `| json` or `| logfmt` would find, nested names joined by `_`; arrays are left out, as `| json` does. */
export function fieldsOf(message: string): Field[] {
  const json = jsonOf(message);
  if (json !== null && typeof json === "object" && !Array.isArray(json)) {
    const fields: Field[] = [];
    flatten(json, "", 1, fields);
    return fields;
  }
  return (logfmtOf(message) ?? []).map(([name, value]) => ({ kind: "logfmt", name: labelName(name), value }));
}

function flatten(object: { [name: string]: Json }, prefix: string, depth: number, into: Field[]): void {
  for (const [key, value] of Object.entries(object)) {
    const name = prefix + labelName(key);
    if (Array.isArray(value) || value === null) continue;
    if (typeof value === "object") {
      if (depth < DEPTH_AT_MOST) flatten(value, `${name}_`, depth + 1, into);
    } else into.push({ kind: "json", name, value: String(value) });
  }
}

function labelName(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9_]/g, "_");
  return /^\d/.test(name) ? `_${name}` : name;
}

/** Whether a value looks like the id of a trace or a request, which other entries bear too. */
export function isTraceId(name: string, value: string): boolean {
  return /trace|span|request|correlation/i.test(name) ? /^[\w-]{8,64}$/.test(value) : /^[0-9a-f]{32}$/.test(value);
}
