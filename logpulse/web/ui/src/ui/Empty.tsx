import { useState } from "preact/hooks";
import { usePage } from "../page";

const WAYS: readonly (readonly [string, (origin: string) => string])[] = [
  [
    "curl",
    (origin) =>
      `curl ${origin}/ingest -H 'Content-Type: application/json' -d '
{"streams":[{"labels":{"service":"hello","level":"info"},
             "entries":[{"line":"my first line"}]}]}'`,
  ],
  [
    "Python",
    (origin) =>
      `import json, urllib.request

body = {"streams": [{"labels": {"service": "hello", "level": "info"},
                     "entries": [{"line": "my first line"}]}]}
urllib.request.urlopen(urllib.request.Request(
    "${origin}/ingest", json.dumps(body).encode(),
    {"Content-Type": "application/json"}))`,
  ],
  [
    "Agent",
    (origin) => `cat > agent.yaml <<'END'
targets:
  - path: /var/log/**/*.log
    labels: {job: varlogs}
END
logpulse-agent --config agent.yaml --server-url ${origin}`,
  ],
  [
    "Promtail, Alloy",
    (origin) => `clients:
  - url: ${origin}/loki/api/v1/push`,
  ],
  ["Try it", (origin) => `logpulse generate 10000 --url ${origin}`],
];

/** The first thing seen of a new server: how to send a line. It turns into the search when one arrives. */
export function Empty() {
  const page = usePage();
  const [way, setWay] = useState(0);
  const origin = new URL(".", document.baseURI).href.replace(/\/$/, "");
  const text = WAYS[way]?.[1](origin) ?? "";
  return (
    <div class="empty">
      <div class="empty-card">
        <h1>Ready for the first line</h1>
        <p>This server holds no logs yet. Send some in any of these ways:</p>
        <div class="tabs" role="tablist" aria-label="Ways to send lines">
          {WAYS.map(([name], index) => (
            <button type="button" key={name} role="tab" aria-selected={index === way} onClick={() => setWay(index)}>
              {name}
            </button>
          ))}
        </div>
        <div class="snippet">
          <pre role="tabpanel" aria-label={WAYS[way]?.[0]}>
            {text}
          </pre>
          <button type="button" class="button" onClick={() => void page.copy(text, "copied")}>
            Copy
          </button>
        </div>
        {page.store.session.value?.required && <p class="quiet">Add the header X-API-Key with your key.</p>}
        <p class="waiting" role="status">
          <span class="dot is-pulsing" aria-hidden="true" /> Waiting: this page turns into the search when the first
          line arrives.
        </p>
      </div>
    </div>
  );
}
