import { useState } from "preact/hooks";
import { lettersSetting, setLetters } from "../commands";
import { BINDINGS } from "../keys";
import { usePage } from "../page";
import { Dialog } from "./Dialog";

const GROUPS = ["Search", "Lines", "Time", "Live", "Page"] as const;

const EXAMPLES: readonly (readonly [string, string])[] = [
  ["{}", "everything"],
  ['{service="api"} |= "timeout"', "lines that hold a text"],
  ['{service="api"} != "healthz"', "lines that do not"],
  ['{env="prod"} | json | status >= 500', "a field of JSON lines"],
  ['{env="prod"} | logfmt | duration > 250ms', "a field of logfmt lines"],
  ["sum by (level) (rate({}[1m]))", "lines a second, by level"],
];

/** All keys, and enough LogQL to begin with. */
export function Help() {
  const page = usePage();
  const [letters, choose] = useState(lettersSetting);
  const close = () => {
    page.store.sheet.value = "none";
  };
  return (
    <Dialog title="Keys and help" size="wide" onClose={close}>
      <div class="help">
        <section>
          <h3>Queries</h3>
          <ul class="help-examples">
            {EXAMPLES.map(([query, text]) => (
              <li key={query}>
                <button
                  type="button"
                  class="link"
                  onClick={() => {
                    close();
                    page.setQuery(query);
                  }}
                >
                  <code>{query}</code>
                </button>
                <span>{text}</span>
              </li>
            ))}
          </ul>
        </section>
        <div class="help-keys">
          {GROUPS.map((group) => (
            <section key={group}>
              <h3>{group}</h3>
              <dl>
                {BINDINGS.filter((binding) => binding.group === group).map(({ keys, text }) => (
                  <div key={text}>
                    <dt>
                      {keys.map((key) => (
                        <kbd key={key}>{keyName(key)}</kbd>
                      ))}
                    </dt>
                    <dd>{text}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
        <label class="help-letters">
          <input
            type="checkbox"
            checked={letters === "on"}
            onChange={(event) => {
              const chosen = event.currentTarget.checked ? "on" : "off";
              setLetters(chosen);
              choose(chosen);
            }}
          />
          single letters are keys
        </label>
      </div>
    </Dialog>
  );
}

const KEY_NAMES: Readonly<Record<string, string>> = {
  " ": "Space",
  ArrowDown: "↓",
  ArrowUp: "↑",
  Escape: "Esc",
  Enter: "⏎",
};

function keyName(key: string): string {
  return key
    .split(/\+(?=.)/)
    .map((part) => KEY_NAMES[part] ?? part)
    .join(" ");
}
