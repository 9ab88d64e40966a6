import { bytes, compact, count, duration } from "../format";
import { usePage } from "../page";

/** What the last run cost, and the most useful keys. */
export function Footer() {
  const { store } = usePage();
  const { stats, phase } = store.run.value;
  return (
    <footer class="footer">
      {stats && phase !== "idle" && (
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
      )}
      <span class="spacer" />
      <span class="wide-only">/ find · j k move · Enter details · L live · ? all keys</span>
    </footer>
  );
}
