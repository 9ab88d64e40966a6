import { useState } from "preact/hooks";
import { count, duration } from "../format";
import type { TimeRange, Zone } from "../slots";
import { describeRange } from "../time";
import "./panel.css";
import { type History, merged, readHistory, savedAs, withoutSaved, withSaved, writeHistory } from "./searches";

export interface HistoryPanelProps {
  history: History;
  zone: Zone;
  /** Milliseconds since 1970, for "5 min ago". */
  now: number;
  onRun(query: string, range: TimeRange): void;
  onHistory(history: History): void;
}

/** The last runs and the saved searches: click to run again, star to save, export and import as a file. */
export function HistoryPanel({ history, zone, now, onRun, onHistory }: HistoryPanelProps) {
  const [filter, setFilter] = useState("");
  const [problem, setProblem] = useState("");
  const wanted = filter.trim().toLowerCase();
  const saved = history.saved.filter(({ name, query }) => `${name}\n${query}`.toLowerCase().includes(wanted));
  const runs = history.runs.filter(({ query }) => query.toLowerCase().includes(wanted));
  const take = async (file: File | undefined) => {
    const read = file && readHistory(await file.text());
    setProblem(file && !read ? "This file holds no searches of LogPulse." : "");
    if (read) onHistory(merged(history, read));
  };
  return (
    <div class="past">
      <div class="past-bar">
        <input
          type="search"
          placeholder="Filter searches…"
          aria-label="Filter searches"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <a
          download="logpulse-searches.json"
          href={`data:application/json,${encodeURIComponent(writeHistory(history))}`}
        >
          Export
        </a>
        <label>
          Import
          <input
            type="file"
            class="visually-hidden"
            accept="application/json,.json"
            onChange={(event) => take(event.currentTarget.files?.[0])}
          />
        </label>
      </div>
      {problem && <p role="alert">{problem}</p>}
      {saved.length > 0 && <h3>Saved</h3>}
      <ul>
        {saved.map((search) => (
          <li key={search.name}>
            <button
              type="button"
              class="past-star"
              aria-pressed={true}
              aria-label={`Forget ${search.name}`}
              onClick={() => onHistory(withoutSaved(history, search.name))}
            >
              ★
            </button>
            <button type="button" class="past-run" onClick={() => onRun(search.query, search.range)}>
              <b>{search.name}</b>
              <code>{search.query}</code>
              <span>{describeRange(search.range, zone)}</span>
            </button>
          </li>
        ))}
      </ul>
      <h3>Last runs</h3>
      {runs.length === 0 && <p>{wanted ? "None is like that." : "Runs of this browser will stand here."}</p>}
      <ul>
        {runs.map((run) => {
          const star = savedAs(history, run.query);
          return (
            <li key={`${run.at} ${run.query}`}>
              <button
                type="button"
                class="past-star"
                aria-pressed={star !== null}
                aria-label={star ? "Forget this search" : "Save this search"}
                onClick={() =>
                  onHistory(
                    star
                      ? withoutSaved(history, star.name)
                      : withSaved(history, { name: run.query.slice(0, 80), query: run.query, range: run.range }),
                  )
                }
              >
                {star ? "★" : "☆"}
              </button>
              <button type="button" class="past-run" onClick={() => onRun(run.query, run.range)}>
                <code>{run.query}</code>
                <span>
                  {describeRange(run.range, zone)} · {count(run.count)} found in {duration(run.milliseconds)} ·{" "}
                  {duration(Math.max(0, now - run.at))} ago
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
