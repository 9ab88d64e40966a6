import { useRef } from "preact/hooks";
import { count, duration } from "../format";
import type { PastRun } from "../history";
import { time } from "../joined";
import { usePage } from "../page";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";

/** Past and saved queries; a click runs one again. */
export function HistorySheet() {
  const page = usePage();
  const { history, store } = page;
  const file = useRef<HTMLInputElement>(null);
  const close = () => {
    store.sheet.value = "none";
  };
  const runs = history.runs.value;
  const saved = runs.filter((run) => run.saved);
  const recent = runs.filter((run) => !run.saved);
  const again = ({ query, from, to }: PastRun) => {
    close();
    page.runAgain(query, { from, to });
  };
  return (
    <Dialog title="History" size="wide" onClose={close}>
      <div class="history">
        {!runs.length && <p class="quiet">Queries that were run appear here; a star keeps them.</p>}
        <Runs title="Saved" runs={saved} onRun={again} />
        <Runs title="Recent" runs={recent} onRun={again} />
      </div>
      <div class="dialog-foot">
        <button type="button" class="button" onClick={() => history.clear()} disabled={!recent.length}>
          Forget recent
        </button>
        <button
          type="button"
          class="button"
          onClick={() => void page.copy(history.export(), "history copied as JSON")}
          disabled={!runs.length}
        >
          Copy as JSON
        </button>
        <button type="button" class="button" onClick={() => file.current?.click()}>
          Import …
        </button>
        <input
          ref={file}
          type="file"
          accept="application/json"
          hidden
          onChange={(event) => {
            void event.currentTarget.files?.[0]?.text().then((text) => {
              const added = history.import(text);
              store.say(added === null ? "this file holds no history" : `${added} queries imported`);
            });
          }}
        />
      </div>
    </Dialog>
  );
}

function Runs({ title, runs, onRun }: { title: string; runs: readonly PastRun[]; onRun(run: PastRun): void }) {
  const page = usePage();
  if (!runs.length) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul class="runs">
        {runs.map((run) => (
          <li key={`${run.from} ${run.to} ${run.query}`}>
            <button
              type="button"
              class={run.saved ? "star is-on" : "star"}
              aria-pressed={run.saved}
              aria-label={`Keep ${run.query}`}
              onClick={() => page.history.toggleSaved(run)}
            >
              <Icon name="star" />
            </button>
            <button type="button" class="run-again" onClick={() => onRun(run)}>
              <code>{run.query}</code>
              <span class="quiet">
                {time.describeRange(run, page.store.place.value.zone)} · {count(run.found)} ·{" "}
                {duration(run.milliseconds)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
