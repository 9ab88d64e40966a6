import { EditorView } from "@codemirror/view";

const LINE = 22;
const MONO = "var(--mono, ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace)";

/** The editor's looks, of the page's variables alone, so that both themes are one. */
export const editorTheme = EditorView.theme({
  "&": { backgroundColor: "transparent", color: "var(--text)", fontSize: "12.5px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: MONO, lineHeight: `${LINE}px`, maxHeight: `${6 * LINE + 8}px`, overflow: "auto" },
  ".cm-content": { padding: "4px 0", caretColor: "var(--text)", minHeight: `${LINE + 8}px` },
  ".cm-line": { padding: "0 8px" },
  ".cm-placeholder": { color: "var(--text3)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground, ::selection": {
    backgroundColor: "color-mix(in srgb, var(--accent) 30%, transparent)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--bg2)", outline: "1px solid var(--border)" },
  "&.cm-focused .cm-nonmatchingBracket": { color: "var(--level-error)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--level-error)",
    textDecorationSkipInk: "none",
    textUnderlineOffset: "3px",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--bg1)",
    color: "var(--text)",
    border: "1px solid var(--border)",
    borderRadius: "6px",
    boxShadow: "var(--shadow, 0 6px 24px rgb(0 0 0 / 0.35))",
  },
  ".cm-diagnostic": { borderLeft: "3px solid var(--level-error)", padding: "6px 10px", maxWidth: "60ch" },
  ".cm-diagnosticText": { whiteSpace: "pre-wrap" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: MONO, fontSize: "12.5px", maxHeight: "264px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 10px", lineHeight: "20px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--accent-text, var(--bg0))",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionDetail": { color: "var(--text3)", fontStyle: "normal", marginLeft: "16px", float: "right" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
});
