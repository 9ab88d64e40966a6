import { render } from "preact";
import "./css/tokens.css";
import "./css/base.css";
import "./css/search.css";
import "./css/layout.css";
import "./css/list.css";
import "./css/details.css";
import "./css/sheets.css";
import "./css/views.css";
import { listenToKeys } from "./commands";
import { Page, PageContext } from "./page";
import { App } from "./ui/App";

const root = document.getElementById("app");
if (root) {
  const page = new Page();
  page.start();
  render(
    <PageContext.Provider value={page}>
      <App />
    </PageContext.Provider>,
    root,
  );
  listenToKeys(page);
}
