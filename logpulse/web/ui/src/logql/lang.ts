// LogQL for CodeMirror: lezer's grammar for colours only. The server's parser alone judges what is valid.

import { HighlightStyle, LanguageSupport, LRLanguage, syntaxHighlighting } from "@codemirror/language";
import { parser } from "@grafana/lezer-logql";
import { styleTags, tags } from "@lezer/highlight";

const coloured = parser.configure({
  props: [
    styleTags({
      LineComment: tags.comment,
      String: tags.string,
      "Number Duration Bytes Range": tags.number,
      "Matcher/Identifier LabelFilter/Identifier LabelName GroupingLabel/...": tags.propertyName,
      "Identifier Labels/Identifier": tags.propertyName,
      "Json Logfmt Unpack Pattern Regexp Unwrap LabelFormat LineFormat Decolorize Drop Keep ParserFlag": tags.keyword,
      "By Without On Ignoring GroupLeft GroupRight Bool Offset And Or Unless": tags.keyword,
      "RangeOp/... VectorOp/... ConvOp/... LabelReplace Vector Ip ApproxCountDistinct": tags.function(tags.name),
      "Eq Neq Re Nre Gtr Gte Lss Lte Eql Add Sub Mul Div Mod Pow": tags.operator,
      "Filter/... Pipe PipeExact PipeMatch PipePattern Npa": tags.operator,
    }),
  ],
});

const language = LRLanguage.define({
  name: "logql",
  parser: coloured,
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", '"', "`"] } },
});

// Colours are variables of the page's stylesheet, so a switch of themes needs nothing here.
const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--syntax-label, var(--level-info))" },
  { tag: tags.string, color: "var(--syntax-string, var(--level-debug))" },
  { tag: tags.number, color: "var(--syntax-number, var(--level-warn))" },
  { tag: [tags.keyword, tags.function(tags.name)], color: "var(--syntax-keyword, var(--level-critical))" },
  { tag: tags.operator, color: "var(--text2)" },
  { tag: tags.comment, color: "var(--text3)", fontStyle: "italic" },
]);

/** Give the language with its colours. */
export function logql(): LanguageSupport {
  return new LanguageSupport(language, syntaxHighlighting(colours));
}
