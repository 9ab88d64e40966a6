// The loaded lines as a file, without asking the server; all matching lines are the server's /export.

import { routeUrl } from "./api";
import type { Rows } from "./ring";
import type { Run } from "./state";
import type { Entry } from "./types";

export const FORMATS = ["ndjson", "csv", "text"] as const;
export type Format = (typeof FORMATS)[number];

export const FORMAT_NAMES: Readonly<Record<Format, string>> = { ndjson: "JSON lines", csv: "CSV", text: "Text" };
const TYPES: Readonly<Record<Format, string>> = { ndjson: "application/x-ndjson", csv: "text/csv", text: "text/plain" };
const EXTENSIONS: Readonly<Record<Format, string>> = { ndjson: "ndjson", csv: "csv", text: "txt" };

/** The address of all lines of a run, streamed by the server. */
export function exportUrl(run: Run, direction: string, format: Format): string {
  return routeUrl("export", { query: run.query, start: run.start, end: run.end, direction, format }).href;
}

/** The rows as text of a format, as the server's export writes them. */
export function written(rows: Rows, format: Format): string {
  const lines: string[] = format === "csv" ? ["timestamp,level,message,labels,metadata"] : [];
  for (let index = 0; index < rows.length; index++) {
    const entry = rows.at(index)?.entry;
    if (entry) lines.push(lineOf(entry, format));
  }
  const end = format === "csv" ? "\r\n" : "\n";
  return lines.map((line) => line + end).join("");
}

function lineOf(entry: Entry, format: Format): string {
  if (format === "ndjson") return JSON.stringify(entry);
  if (format === "text") return entry.message;
  const { timestamp, level, message, labels, metadata } = entry;
  return [timestamp, level, message, JSON.stringify(labels), JSON.stringify(metadata)].map(cell).join(",");
}

// Spreadsheets run what begins like a formula; a quote before it makes it text.
function cell(value: string): string {
  const guarded = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** Hands a text to the browser as a download. */
export function download(text: string, format: Format, now: Date): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${TYPES[format]};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `logpulse-${now.toISOString().slice(0, 19).replaceAll(":", "")}.${EXTENSIONS[format]}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
