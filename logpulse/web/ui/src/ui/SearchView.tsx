import { useEffect, useMemo, useState } from "preact/hooks";
import { usePage } from "../page";
import { useChunk } from "./Chunk";
import { Details } from "./Details";
import { FindBar } from "./FindBar";
import { Icon } from "./Icon";
import { ListPane } from "./ListPane";
import { loadFacets, loadHistogram, loadMetricChart } from "./parts";
import { QueryBar } from "./QueryBar";
import { Splitter } from "./Splitter";
import { Nothing, Notice, Progress } from "./States";
import { Toolbar } from "./Toolbar";

/** Query, facets, histogram, lines or chart, details. */
export function SearchView() {
  const { store } = usePage();
  const { series, phase, query } = store.run.value;
  const open = store.detailsOpen.value && store.selected.value;
  const fields = store.fields.value;
  const failedAtOnce = phase === "failed" && !query;
  // A tail that the address begins with has not asked for them; an empty pane would only take its room.
  const facets =
    fields.state !== "absent" && !series && !failedAtOnce && (fields.answer !== null || !store.isLive.value);
  const classes = ["search", facets ? "" : "has-no-facets", store.facetsOpen.value ? "shows-facets" : ""];
  return (
    <div class={classes.join(" ")}>
      <h1 class="visually-hidden">Search</h1>
      <QueryBar />
      <div class="search-columns">
        {facets && <FacetsPane />}
        <section class="results" aria-label="Results">
          <Progress />
          <Notice />
          {series ? (
            <ChartPane />
          ) : (
            <>
              <VolumePane />
              <Toolbar />
              {store.findOpen.value && <FindBar />}
              <div class={phase === "failed" && !failedAtOnce ? "list-area is-previous" : "list-area"}>
                <ListPane />
                <Nothing />
              </div>
            </>
          )}
        </section>
        {open && (
          <>
            <Splitter />
            <Details entry={open} />
          </>
        )}
      </div>
    </div>
  );
}

function FacetsPane() {
  const page = usePage();
  const { store } = page;
  const Facets = useChunk(loadFacets);
  const { answer, state } = store.fields.value;
  return (
    <aside class="facets-pane" aria-label="Labels and fields">
      <h2 class="visually-hidden">Labels and fields</h2>
      <button
        type="button"
        class="button is-bare facets-close"
        aria-label="Close labels and fields"
        onClick={() => {
          store.facetsOpen.value = false;
        }}
      >
        <Icon name="close" />
      </button>
      {Facets && (
        <Facets
          answer={answer}
          loading={state === "loading"}
          query={store.place.value.query}
          onQuery={(text) => page.setQuery(text)}
          values={(name, prefix, signal) => {
            const { query, start, end } = store.run.value;
            return page.api.fieldValues(name, { query, start, end, prefix, limit: 200 }, signal);
          }}
          columns={store.place.value.columns}
          onColumn={(name) => page.toggleColumn(name)}
        />
      )}
      {state === "failed" && <p class="facets-note">Labels and fields are not available now.</p>}
    </aside>
  );
}

function VolumePane() {
  const page = usePage();
  const { store } = page;
  const { answer, state } = store.volume.value;
  const shown = state !== "absent" && state !== "idle" && !store.isLive.value;
  const Histogram = useChunk(loadHistogram, shown);
  const theme = useTheme();
  if (!shown) return null;
  if (state === "failed") {
    return (
      <div class="volume is-failed">
        Volume unavailable ·{" "}
        <button type="button" class="link" onClick={() => page.search.retryVolume()}>
          retry
        </button>
      </div>
    );
  }
  return (
    <div class="volume">
      {Histogram && (
        <Histogram
          volume={answer}
          loading={state === "loading"}
          levels={store.place.value.levels}
          zone={store.place.value.zone}
          theme={theme}
          onZoom={(range) => page.setRange(range)}
          onZoomOut={() => page.zoomOut()}
          onLevel={(level, add) => page.chooseLevel(level, add)}
        />
      )}
    </div>
  );
}

function ChartPane() {
  const page = usePage();
  const { store } = page;
  const { series, start, end } = store.run.value;
  const span = useMemo(() => [Date.parse(start), Date.parse(end)] as const, [start, end]);
  const Chart = useChunk(loadMetricChart);
  const theme = useTheme();
  if (!series || !Chart) return null;
  return (
    <div class="chart-area">
      <Chart
        answer={series}
        span={span}
        zone={store.place.value.zone}
        theme={theme}
        onZoom={(range) => page.setRange(range)}
      />
    </div>
  );
}

/** Changes when colours have to be read anew: by choice or with the system. */
function useTheme(): string {
  const { store } = usePage();
  const [system, setSystem] = useState(darkness.matches);
  useEffect(() => {
    const changed = () => setSystem(darkness.matches);
    darkness.addEventListener("change", changed);
    return () => darkness.removeEventListener("change", changed);
  }, []);
  return `${store.theme.value} ${system}`;
}

const darkness = matchMedia("(prefers-color-scheme: dark)");
