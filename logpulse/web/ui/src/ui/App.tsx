import { useEffect } from "preact/hooks";
import { usePage } from "../page";
import { Context } from "./Context";
import { Empty } from "./Empty";
import { Footer } from "./Footer";
import { Health } from "./Health";
import { Help } from "./Help";
import { HistorySheet } from "./HistorySheet";
import { Labels } from "./Labels";
import { Login } from "./Login";
import { Patterns } from "./Patterns";
import { SearchView } from "./SearchView";
import { TopBar } from "./TopBar";

/** The whole page. */
export function App() {
  const { store } = usePage();
  const { view } = store.place.value;
  const locked = store.loginWanted.value;
  return (
    <div class="app" data-view={view}>
      <TopBar />
      <main class="main" inert={locked}>
        {view === "health" && <Health />}
        {view === "labels" && <Labels />}
        {view === "patterns" && <Patterns />}
        {view === "search" && (store.empty.value && !store.isLive.value ? <Empty /> : <SearchView />)}
      </main>
      <Footer />
      {locked && <Login />}
      {store.context.value && <Context key={store.context.value.id} anchor={store.context.value} />}
      {store.sheet.value === "help" && <Help />}
      {store.sheet.value === "history" && <HistorySheet />}
      <Toast />
    </div>
  );
}

const TOAST_FOR = 2500;

function Toast() {
  const { store } = usePage();
  const message = store.toast.value;
  useEffect(() => {
    if (!message) return;
    const timer = setTimeout(() => store.say(""), TOAST_FOR);
    return () => clearTimeout(timer);
  }, [message, store]);
  return (
    <div class="toast-place" role="status">
      {message && <div class="toast">{message}</div>}
    </div>
  );
}
