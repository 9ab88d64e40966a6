import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, insertNewline } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { Annotation, EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { useEffect, useRef, useState } from "preact/hooks";
import { plainText } from "../logql/build";
import { logql } from "../logql/lang";
import type { EditorProps } from "../slots";
import type { ErrorAnswer } from "../types";
import { completeFrom, isTyped } from "./completion";
import "./editor.css";
import { reasonOf, spanOf } from "./position";
import { editorTheme } from "./theme";

const PARSE_DELAY = 300; // milliseconds without a key before the server is asked what it thinks

// Marks a change that came from outside, of which the page need not be told.
const fromOutside = Annotation.define<boolean>();

/** The query's editor. It colours and completes; the server alone says what is valid, and nothing hinders a run. */
export default function Editor(props: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const told = useRef<string[]>([]);
  const current = useRef(props);
  current.current = props;
  // The latest judgement, of a run or of the text as it is typed; it stands until the next, so that nothing flickers.
  const [error, setError] = useState<ErrorAnswer | null>(null);

  const onEdit = (text: string) => {
    told.current.push(text);
    current.current.onChange(text);
  };

  useEffect(() => {
    if (!host.current) return;
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: current.current.value,
        extensions: extensions(() => current.current, onEdit),
      }),
    });
    view.current = editor;
    current.current.onReady?.(() => editor.focus());
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    // Fast typing is ahead of the page: a text that this editor told it of comes back and must not undo later keys.
    const echo = told.current.indexOf(props.value);
    told.current = echo < 0 ? [] : told.current.slice(echo + 1);
    if (echo >= 0 || editor.state.doc.toString() === props.value) return;
    editor.dispatch({
      changes: { from: 0, to: editor.state.doc.length, insert: props.value },
      selection: { anchor: props.value.length },
      annotations: fromOutside.of(true),
    });
  }, [props.value]);

  useEffect(() => {
    if (props.value.trim() === "") return setError(null);
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const judged = await current.current.source.parse(props.value, controller.signal);
        if (!controller.signal.aborted) setError(judged);
      } catch {
        // aborted, or the server is away: the run will say so
      }
    }, PARSE_DELAY);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [props.value]);

  useEffect(() => setError(props.error?.position ? props.error : null), [props.error]);

  useEffect(() => {
    const editor = view.current;
    if (editor) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state.doc.toString(), error)));
  }, [error]);

  return (
    <div class="editor">
      <div class="editor-text" ref={host} />
      {/* Words that are no LogQL at all, the page itself speaks of, and of errors without a place. */}
      <div class="editor-message" aria-live="polite">
        {error && plainText(props.value) === null && (
          <>
            <span class="editor-reason">{reasonOf(error)}</span>
            {error.hint && <span class="editor-hint">{error.hint}</span>}
            {error.position && (
              <span class="editor-place">
                line {error.position.line}, column {error.position.column}
              </span>
            )}
          </>
        )}
      </div>
    </div>
  );
}

// A browser that replaces selected text itself may keep its look in a style attribute, which the page's
// Content-Security-Policy refuses with an error in the console. So the editor replaces it.
const overSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    const { data } = event;
    if (event.inputType !== "insertText" || !data || main.empty || event.isComposing) return false;
    const insert = () => view.state.update(view.state.replaceSelection(data), { userEvent: "input.type" });
    const handled = view.state
      .facet(EditorView.inputHandler)
      .some((handle) => handle(view, main.from, main.to, data, insert));
    if (!handled) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

function diagnosticsOf(text: string, error: ErrorAnswer | null): Diagnostic[] {
  const span = error && spanOf(text, error);
  if (!span) return [];
  const message = error.hint ? `${reasonOf(error)}\n${error.hint}` : reasonOf(error);
  return [{ ...span, severity: "error", message }];
}

function extensions(props: () => EditorProps, onEdit: (text: string) => void) {
  const run = () => {
    props().onRun();
    return true;
  };
  const leave = (view: EditorView) => {
    view.contentDOM.blur();
    return true;
  };
  return [
    EditorView.cspNonce.of(props().nonce),
    history(),
    closeBrackets(),
    bracketMatching(),
    logql(),
    EditorView.lineWrapping,
    placeholder('{app="checkout"} |= "timeout"'),
    EditorView.contentAttributes.of({ "aria-label": "LogQL query", autocapitalize: "off", spellcheck: "false" }),
    autocompletion({
      override: [completeFrom(() => props().source)],
      defaultKeymap: false, // below, behind the Enter that runs what is complete
      activateOnTypingDelay: 0, // the source itself waits where it asks the server
      maxRenderedOptions: 201,
      icons: false,
      optionClass: (completion) => (completion.label === "" ? "editor-more" : ""),
    }),
    Prec.highest(keymap.of([{ key: "Enter", run: (view) => isTyped(view.state) && closeCompletion(view) && run() }])),
    // The popup takes Enter, Tab and Escape while it is open; then these come.
    Prec.high(keymap.of(completionKeymap)),
    Prec.high(
      keymap.of([
        { key: "Mod-Enter", run },
        { key: "Ctrl-Enter", run },
      ]),
    ),
    keymap.of([
      { key: "Tab", run: acceptCompletion },
      { key: "Shift-Enter", run: insertNewline },
      { key: "Enter", run },
      { key: "Escape", run: leave },
      ...closeBracketsKeymap,
      ...historyKeymap,
      ...defaultKeymap,
    ]),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged || update.transactions.some((transaction) => transaction.annotation(fromOutside))) return;
      onEdit(update.state.doc.toString());
    }),
    overSelection,
    editorTheme,
  ];
}
