import { bytes, compact, count, duration } from "../format";
import { usePage } from "../page";
import type { QueryStats } from "../types";
import { Menu } from "./Menu";

/** What the last run cost, and the most useful keys. */
export function Footer() {
  const { store } = usePage();
  const { stats, phase } = store.run.value;
  return (
    <footer class="footer">
      {stats && phase !== "idle" && (
        <Menu label={<Cost stats={stats} />} class="footer-cost">
          {() => <Statistics stats={stats} />}
        </Menu>
      )}
      <span class="spacer" />
      <span class="wide-only">/ find · j k move · Enter details · L live · ? all keys</span>
    </footer>
  );
}

function Cost({ stats }: { stats: QueryStats }) {
  return (
    <>
      <span>{duration(stats.executionTime)}</span>
      <span>
        scanned {bytes(stats.scannedBytes)}
        <span class="wide-only"> · {compact(stats.scannedLines)} lines</span>
      </span>
      <span class="wide-only">
        {count(stats.queriedChunks)} chunks · {count(stats.skippedChunks)} skipped
      </span>
    </>
  );
}

/** Everything that the server says about a run; docs/api.md tells what each is. */
function Statistics({ stats }: { stats: QueryStats }) {
  const { plan, scan, exact, evaluate } = stats.phases;
  const rows: readonly (readonly [string, string])[] = [
    ["In all", duration(stats.executionTime)],
    ["Choosing what to read", duration(plan)],
    ["Scanning", duration(scan)],
    ["Lines one by one", duration(exact)],
    ["Making series", duration(evaluate)],
    ["Text", bytes(stats.scannedBytes)],
    ["Lines", count(stats.scannedLines)],
    ["Lines that SQL could not decide", count(stats.exactLines)],
    ["Streams", count(stats.streams)],
    ["Files", count(stats.segments)],
    ["Chunks read", count(stats.queriedChunks)],
    ["Chunks skipped", count(stats.skippedChunks)],
  ];
  return (
    <dl class="statistics">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
