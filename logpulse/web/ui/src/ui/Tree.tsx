import { useState } from "preact/hooks";
import { visible } from "../ansi";
import { plural } from "../format";
import type { Json } from "../message";

/** Children of one node that are drawn before the reader asks for more. */
const SHOWN = 100;

/** Levels that are open at first. */
const OPEN = 2;

/** JSON as a tree, whose closed parts are not drawn. */
export function Tree({ value, depth = 0 }: { value: Json; depth?: number }) {
  if (value === null || typeof value !== "object") return <Leaf value={value} />;
  return <Branch value={value} depth={depth} />;
}

function Leaf({ value }: { value: null | boolean | number | string }) {
  const kind = value === null ? "null" : typeof value;
  return <span class={`json-${kind}`}>{typeof value === "string" ? `"${visible(value)}"` : String(value)}</span>;
}

function Branch({ value, depth }: { value: Json[] | { [name: string]: Json }; depth: number }) {
  const [open, setOpen] = useState(depth < OPEN);
  const [shown, setShown] = useState(SHOWN);
  const isList = Array.isArray(value);
  const [left, right] = isList ? "[]" : "{}";
  const children: [string, Json][] = isList ? value.map((item, index) => [String(index), item]) : Object.entries(value);
  if (!children.length) return <span>{`${left}${right}`}</span>;
  return (
    <span>
      <button type="button" class="json-fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "▾" : "▸"} {left}
        {!open && ` ${plural(children.length, isList ? "item" : "field")} ${right}`}
      </button>
      {open && (
        <>
          <ul class="json-children">
            {children.slice(0, shown).map(([name, child]) => (
              <li key={name}>
                <span class="json-name">{visible(name)}</span>: <Tree value={child} depth={depth + 1} />
              </li>
            ))}
          </ul>
          {children.length > shown && (
            <button type="button" class="link" onClick={() => setShown(shown + 10 * SHOWN)}>
              {plural(children.length - shown, "more item")}
            </button>
          )}
          {right}
        </>
      )}
    </span>
  );
}
