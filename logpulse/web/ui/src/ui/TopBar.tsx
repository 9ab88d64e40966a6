import { compact } from "../format";
import { isZone } from "../instant";
import { usePage } from "../page";
import type { Theme } from "../state";
import type { View } from "../url";
import { Icon } from "./Icon";
import { Menu } from "./Menu";

const VIEWS: readonly (readonly [View, string])[] = [
  ["search", "Search"],
  ["labels", "Labels"],
  ["patterns", "Patterns"],
  ["health", "Health"],
];

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: "dark", dark: "light", light: "system" };

/** Name, views, the server's health, zone, theme, help. */
export function TopBar() {
  const page = usePage();
  const { store } = page;
  const { view } = store.place.value;
  const theme = store.theme.value;
  const shown = VIEWS.find(([name]) => name === view)?.[1] ?? "Search";
  const links = VIEWS.map(([name, text]) => (
    <button
      type="button"
      key={name}
      class="nav-item"
      aria-current={name === view ? "page" : undefined}
      onClick={() => page.show(name)}
    >
      {text}
    </button>
  ));
  return (
    <header class="topbar">
      <span class="brand">LogPulse</span>
      <nav class="nav" aria-label="Views">
        {links}
      </nav>
      <div class="nav-menu">
        <Menu label={shown} name={`Views: ${shown}`} class="button is-bare">
          {(close) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the click is that of a button within
            // biome-ignore lint/a11y/noStaticElementInteractions: as above
            <div class="menu-list" onClick={close}>
              {links}
            </div>
          )}
        </Menu>
      </div>
      <span class="spacer" />
      <HealthWord />
      <ZoneMenu />
      <button
        type="button"
        class="button"
        aria-label={`Theme: ${theme}; change it`}
        title={`Theme: ${theme}`}
        onClick={() => store.chooseTheme(NEXT_THEME[theme])}
      >
        <Icon name="theme" />
      </button>
      <button
        type="button"
        class="button help-button"
        aria-label="Keys and help"
        title="Keys and help (?)"
        onClick={() => {
          store.sheet.value = "help";
        }}
      >
        ?
      </button>
      {store.session.value?.required && store.session.value.signedIn && (
        <button type="button" class="button" onClick={() => void page.signOut()}>
          Sign out
        </button>
      )}
    </header>
  );
}

function HealthWord() {
  const page = usePage();
  const { store } = page;
  const health = store.health.value;
  const down = store.serverDown.value;
  const status = down ? "unreachable" : (health?.status ?? "…");
  const rate = !down && health?.ingestionRate !== undefined ? ` · ${compact(health.ingestionRate)} lines/s` : "";
  return (
    <button type="button" class={`health-word is-${status}`} onClick={() => page.show("health")}>
      <span class="dot" aria-hidden="true" />
      {status}
      <span class="health-rate">{rate}</span>
    </button>
  );
}

function ZoneMenu() {
  const page = usePage();
  const { zone } = page.store.place.value;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Menu
      label={zone === "local" ? "Local" : zone}
      name={`Time zone: ${zone === "local" ? "Local" : zone}`}
      class="button zone-button"
    >
      {(close) => (
        <div class="menu-list">
          {[...new Set(["local", "UTC", own])].map((name) => (
            <button
              type="button"
              key={name}
              class="menu-item"
              aria-pressed={name === zone}
              onClick={() => {
                page.look({ zone: name });
                close();
              }}
            >
              {name === "local" ? "Local time" : name}
            </button>
          ))}
          <label class="menu-field">
            Other
            <input
              class="input"
              placeholder="Europe/Berlin"
              spellcheck={false}
              onKeyDown={(event) => {
                const name = event.currentTarget.value.trim();
                if (event.key !== "Enter" || !isZone(name)) return;
                page.look({ zone: name });
                close();
              }}
            />
          </label>
        </div>
      )}
    </Menu>
  );
}
