import { usePage } from "../page";
import { HistoryPanel } from "../past/HistoryPanel";
import { Dialog } from "./Dialog";

/** Past and saved queries; a click runs one again. */
export function HistorySheet() {
  const page = usePage();
  const { store } = page;
  const close = () => {
    store.sheet.value = "none";
  };
  return (
    <Dialog title="History" size="wide" onClose={close}>
      <HistoryPanel
        history={store.past.value}
        zone={store.place.value.zone}
        now={Date.now()}
        onRun={(query, range) => {
          close();
          page.runAgain(query, range);
        }}
        onHistory={(history) => page.keepHistory(history)}
      />
    </Dialog>
  );
}
