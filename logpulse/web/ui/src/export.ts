// Entries as files, in the formats of the server's /export, so that what is shown and everything look alike.

import type { Entry } from "./types";

export type ExportFormat = "ndjson" | "csv" | "text";

const HEADER = "timestamp,level,message,labels,metadata";

export const FORMATS: readonly { format: ExportFormat; name: string; extension: string; type: string }[] = [
  { format: "ndjson", name: "JSON lines", extension: "ndjson", type: "application/x-ndjson" },
  { format: "csv", name: "CSV", extension: "csv", type: "text/csv" },
  { format: "text", name: "Text", extension: "txt", type: "text/plain" },
];

/** Write entries as a file: an entry a line (ndjson), RFC 4180 (csv), or the messages alone (text). */
export function writeEntries(entries: readonly Entry[], format: ExportFormat): string {
  const head = format === "csv" ? `${HEADER}\r\n` : "";
  return head + entries.map((entry) => writeEntry(entry, format)).join("");
}

/** Guess the bytes of a file of `total` entries from those that are here. */
export function estimateBytes(entries: readonly Entry[], total: number, format: ExportFormat): number {
  const sample = entries.slice(0, 500); // enough for a guess, and quick where lines are long
  if (sample.length === 0) return 0;
  const bytes = new TextEncoder().encode(sample.map((entry) => writeEntry(entry, format)).join("")).length;
  return Math.round((bytes / sample.length) * total);
}

/** `logpulse-20261123T140000Z.csv` */
export function fileName(now: number, format: ExportFormat): string {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  return `logpulse-${time}.${FORMATS.find((one) => one.format === format)?.extension ?? "txt"}`;
}

function writeEntry(entry: Entry, format: ExportFormat): string {
  if (format === "ndjson") return `${JSON.stringify(entry)}\n`;
  if (format === "text") return `${entry.message}\n`;
  const cells = [
    entry.timestamp,
    entry.level,
    entry.message,
    JSON.stringify(entry.labels),
    JSON.stringify(entry.metadata),
  ];
  return `${cells.map(cell).join(",")}\r\n`;
}

// Spreadsheets run a cell that begins so as a formula.
function cell(text: string): string {
  const guarded = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
