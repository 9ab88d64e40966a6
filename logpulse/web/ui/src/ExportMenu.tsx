import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type ExportFormat, estimateBytes, FORMATS, fileName, writeEntries } from "./export";
import "./export.css";
import { bytes, count } from "./format";
import type { Entry } from "./types";

export interface ExportMenuProps {
  /** The entries shown, gathered when the panel opens, as a tail has new ones with each frame. */
  gather(): readonly Entry[];
  /** How many the query matches; null where that is not known. */
  total: number | null;
  /** The address of the server's file of all of them, relative to the page. */
  link(format: ExportFormat): string;
}

/** Save what is shown, or everything as the server streams it. The browser shows the progress of a download and cancels it. */
export function ExportMenu({ gather, total, link }: ExportMenuProps) {
  const [open, setOpen] = useState(false);
  const entries = useMemo(() => (open ? gather() : []), [open, gather]);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", onEscape, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", onEscape, true);
    };
  }, [open]);
  return (
    <div class="export" ref={root}>
      <button type="button" ref={button} aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
        Export <span aria-hidden="true">▾</span>
      </button>
      {open && (
        <div class="export-panel" role="dialog" aria-label="Export">
          <section>
            <h3>{count(entries.length)} shown</h3>
            <div class="export-formats">
              {FORMATS.map(({ format, name, type }) => (
                <button
                  key={format}
                  type="button"
                  disabled={entries.length === 0}
                  onClick={() => {
                    save(new Blob([writeEntries(entries, format)], { type }), fileName(Date.now(), format));
                    setOpen(false);
                  }}
                >
                  {name} <small>{sizeOf(entries, entries.length, format)}</small>
                </button>
              ))}
            </div>
          </section>
          <section>
            <h3>{total === null ? "All that match" : `All ${count(total)}`}</h3>
            <div class="export-formats">
              {FORMATS.map(({ format, name }) => (
                <a
                  key={format}
                  href={link(format)}
                  download={fileName(Date.now(), format)}
                  onClick={() => setOpen(false)}
                >
                  {name} <small>{total === null ? "" : sizeOf(entries, total, format)}</small>
                </a>
              ))}
            </div>
          </section>
        </div>
      )}
    </div>
  );
}

function sizeOf(entries: readonly Entry[], total: number, format: ExportFormat): string {
  return `≈ ${bytes(estimateBytes(entries, total, format))}`;
}

function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser may still be reading it
}
