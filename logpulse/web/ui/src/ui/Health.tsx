import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Health as HealthAnswer } from "../api";
import { bytes, compact, count, dateTime, duration, plural } from "../format";
import { usePage } from "../page";

const EVERY = 2000;
const KEPT = 450; // 15 minutes

/** How the server is, in sentences and numbers. */
export function Health() {
  const page = usePage();
  const { store } = page;
  const health = store.health.value;
  const [rates, setRates] = useState<readonly number[]>([]);
  useEffect(() => {
    const ask = () => void page.checkHealth();
    ask();
    const timer = setInterval(ask, EVERY);
    return () => clearInterval(timer);
  }, [page]);
  useEffect(() => {
    const rate = health?.ingestionRate;
    if (rate !== undefined) setRates((before) => [...before, rate].slice(-KEPT));
  }, [health]);
  if (store.serverDown.value) return <p class="health-page notice is-error">The server cannot be reached.</p>;
  if (!health) return null;
  const { zone } = store.place.value;
  return (
    <div class="health-page">
      <h1>
        <span class={`health-word is-${health.status}`}>
          <span class="dot" aria-hidden="true" />
        </span>{" "}
        LogPulse is {health.status}
      </h1>
      <ul class="sentences">
        {sentences(health, zone).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {health.problems?.map(({ code, message }) => (
        <p key={code} class="notice is-error">
          {message} <span class="quiet">({code})</span>
        </p>
      ))}
      <div class="figures">
        <Figure name="Ingestion" value={rate(health)}>
          <Spark values={rates} />
        </Figure>
        <Figure name="Streams" value={optional(health.streamsCount, count)} />
        <Figure name="Segments" value={optional(health.segmentsCount ?? health.chunksCount, count)} />
        <Figure name="Stored" value={optional(health.storageUsed, bytes)} />
        <Figure name="In memory" value={optional(health.headBytes, bytes)} />
        <Figure name="WAL" value={optional(health.wal?.bytes, bytes)} />
        <Figure name="Up for" value={optional(health.uptime, (seconds) => duration(seconds * 1000))} />
        <Figure name="Version" value={health.version ?? "–"} />
      </div>
      <SlowQueries health={health} zone={zone} />
    </div>
  );
}

function sentences(health: HealthAnswer, zone: string): string[] {
  const said: string[] = [];
  const { diskFree, diskTotal, retentionDays, oldestEntry, lastFlush } = health;
  if (diskFree !== undefined && diskTotal) {
    said.push(`The disk is ${Math.round(100 - (100 * diskFree) / diskTotal)} % full; ${bytes(diskFree)} are free.`);
  }
  if (oldestEntry) said.push(`The oldest line is of ${dateTime(oldestEntry, zone, "s")}.`);
  if (retentionDays !== undefined) {
    said.push(retentionDays ? `Lines are kept for ${plural(retentionDays, "day")}.` : "Lines are kept for ever.");
  }
  if (lastFlush) said.push(`Lines went from memory into files last at ${dateTime(lastFlush, zone, "s")}.`);
  if (lastFlush === null) said.push("No line went from memory into files yet; the WAL has them all.");
  return said;
}

function rate({ ingestionRate, ingestionBytesRate }: HealthAnswer): string {
  if (ingestionRate === undefined) return "–";
  const size = ingestionBytesRate === undefined ? "" : ` · ${bytes(ingestionBytesRate)}/s`;
  return `${compact(ingestionRate)} lines/s${size}`;
}

function optional(value: number | undefined, write: (value: number) => string): string {
  return value === undefined ? "–" : write(value);
}

function Figure({ name, value, children }: { name: string; value: string; children?: ComponentChildren }) {
  return (
    <div class="figure-card">
      <div class="figure-name">{name}</div>
      <div class="figure-value">{value}</div>
      {children}
    </div>
  );
}

function Spark({ values }: { values: readonly number[] }) {
  if (values.length < 2) return null;
  const most = Math.max(1, ...values);
  const points = values
    .map((value, index) => `${(index / (values.length - 1)) * 100},${20 - (value / most) * 18}`)
    .join(" ");
  return (
    <svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points} />
    </svg>
  );
}

function SlowQueries({ health, zone }: { health: HealthAnswer; zone: string }) {
  const page = usePage();
  const slow = health.slowQueries;
  if (!slow) return null;
  return (
    <section>
      <h2>Slow queries</h2>
      {!slow.length && <p class="quiet">No query took longer than a second.</p>}
      <ul class="runs">
        {slow.map(({ kind, query, seconds, at }) => (
          <li key={`${at} ${query}`}>
            <SlowQuery
              kind={kind}
              query={query}
              took={`${duration(seconds * 1000)} · ${dateTime(at, zone, "s")}`}
              onRun={() => page.setQuery(query)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface SlowQueryProps {
  kind: string;
  query: string;
  took: string;
  onRun(): void;
}

// What was no LogQL, and what the server has shortened, cannot be run again.
function SlowQuery({ kind, query, took, onRun }: SlowQueryProps) {
  const text = (
    <>
      <code>{query || kind}</code>
      <span class="quiet">{took}</span>
    </>
  );
  if (!query || query.endsWith("…")) return <div class="run-again">{text}</div>;
  return (
    <button type="button" class="run-again" onClick={onRun}>
      {text}
    </button>
  );
}
