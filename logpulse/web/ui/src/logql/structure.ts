// What a query is made of, as far as editing it needs to know: selectors, and the stages behind each.

import { unquote } from "./quote";
import { type Token, tokenize } from "./tokens";

export type MatchOperator = "=" | "!=" | "=~" | "!~";

/** `name op "value"`, in a selector or as a stage; from..to is its text. */
export interface Matcher {
  name: string;
  operator: MatchOperator;
  value: string;
  from: number;
  to: number;
}

export type StageKind = "line" | "parser" | "filter" | "format" | "unwrap" | "ending";

/** One stage with its `|`. `word` is the keyword or the line filter's operator. */
export interface Stage {
  kind: StageKind;
  word: string;
  from: number;
  to: number;
  /** The only comparison of a label filter, where there is exactly one. */
  matcher: Matcher | null;
  /** The texts of a line filter, decoded; empty for addresses (`ip`). */
  texts: string[];
}

/** A selector with its stages; a log query has one, a metric query one for each range. */
export interface LogPart {
  from: number;
  /** Behind `}`, or behind the last matcher where that is missing. */
  to: number;
  closed: boolean;
  matchers: Matcher[];
  stages: Stage[];
}

const PARSERS = new Set(["json", "logfmt", "pattern", "regexp", "unpack"]);
const FORMATS = new Set(["line_format", "label_format", "decolorize", "drop", "keep"]);
const ENDINGS = new Set(["dedup", "context"]);
const LINE_OPERATORS = new Set(["|=", "|~", "|>", "!>"]);
const MATCH_OPERATORS = new Set<string>(["=", "!=", "=~", "!~"]);

/** Find the selectors of a query and their stages, in any text. */
export function logParts(text: string): LogPart[] {
  const tokens = tokenize(text);
  const parts: LogPart[] = [];
  let at = 0;
  while (at < tokens.length) {
    if (tokens[at]?.text !== "{") {
      at++;
      continue;
    }
    const reader = new Reader(tokens, at);
    parts.push(reader.part());
    at = reader.at;
  }
  return parts;
}

/** Whether the text is a metric query: it begins with a function or a number. */
export function isMetric(text: string): boolean {
  const first = tokenize(text).find((token) => token.text !== "(");
  return first?.kind === "name" || first?.kind === "number" || first?.text === "-" || first?.text === "+";
}

class Reader {
  constructor(
    private readonly tokens: readonly Token[],
    public at: number,
  ) {}

  part(): LogPart {
    const open = this.take();
    const part: LogPart = { from: open.from, to: open.to, closed: false, matchers: [], stages: [] };
    for (let token = this.peek(); token; token = this.peek()) {
      if (token.text === "}") {
        part.to = this.take().to;
        part.closed = true;
        break;
      }
      const matcher = this.matcher();
      if (matcher) part.matchers.push(matcher);
      else if (token.kind === "operator" && !MATCH_OPERATORS.has(token.text) && token.text !== ",") break;
      else this.take();
      part.to = matcher?.to ?? token.to;
    }
    this.stages(part.stages);
    return part;
  }

  private stages(stages: Stage[]): void {
    for (let token = this.peek(); token; token = this.peek()) {
      if (this.atLineFilter(token)) stages.push(this.lineFilter());
      else if (token.text === "|") stages.push(this.stage());
      else if (token.kind === "range") this.range();
      else return;
    }
  }

  private range(): void {
    this.take();
    if (this.peek()?.text.toLowerCase() !== "offset") return;
    this.take();
    if (this.peek()?.text === "-") this.take();
    if (this.peek()?.kind === "number") this.take();
  }

  private lineFilter(): Stage {
    const operator = this.take();
    const stage: Stage = {
      kind: "line",
      word: operator.text,
      from: operator.from,
      to: operator.to,
      matcher: null,
      texts: [],
    };
    do {
      if (this.peek()?.text.toLowerCase() === "or") this.take();
      const token = this.peek();
      if (token?.kind === "string") stage.texts.push(unquote(token.text));
      else if (token?.text.toLowerCase() !== "ip") break;
      stage.to = this.take().to;
      if (token.kind === "string") continue;
      for (let depth = 0, next = this.peek(); next; next = this.peek()) {
        if (next.text === "(") depth++;
        else if (next.text === ")") depth--;
        else if (next.kind !== "string") break;
        if (depth < 0) break;
        stage.to = this.take().to;
        if (depth === 0) break;
      }
    } while (this.peek()?.text.toLowerCase() === "or");
    return stage;
  }

  private stage(): Stage {
    const pipe = this.take();
    const first = this.peek();
    const word = first?.kind === "name" ? first.text.toLowerCase() : "";
    const compared = MATCH_OPERATORS.has(this.tokens[this.at + 1]?.text ?? "");
    const kind = kindOf(word, compared);
    const stage: Stage = {
      kind,
      word: kind === "filter" ? "" : word,
      from: pipe.from,
      to: pipe.to,
      matcher: null,
      texts: [],
    };
    const start = this.at;
    let depth = 0;
    for (let token = this.peek(); token; token = this.peek()) {
      if (token.text === "|" || token.text === "{" || token.kind === "range" || this.atLineFilter(token)) break;
      if (token.text === "(") depth++;
      if (token.text === ")" && --depth < 0) break;
      stage.to = this.take().to;
    }
    const end = this.at;
    if (kind === "filter" && end - start === 3) {
      this.at = start;
      stage.matcher = this.matcher();
      this.at = end;
    }
    return stage;
  }

  /** `name op string` at this place; the place stays where it is not one. */
  private matcher(): Matcher | null {
    const [name, operator, value] = this.tokens.slice(this.at, this.at + 3);
    if (name?.kind !== "name" || value?.kind !== "string" || !operator || !MATCH_OPERATORS.has(operator.text))
      return null;
    this.at += 3;
    const match = operator.text as MatchOperator;
    return { name: name.text, operator: match, value: unquote(value.text), from: name.from, to: value.to };
  }

  // `!=` compares behind a name (`| status != "x"`, `| drop a != "x"`) and filters lines behind anything else,
  // also behind the words of parsers, which are no names of labels.
  private atLineFilter(token: Token): boolean {
    if (LINE_OPERATORS.has(token.text)) return true;
    if (token.text !== "!=" && token.text !== "!~") return false;
    const before = this.tokens[this.at - 1];
    if (before?.kind !== "name") return true;
    const word = before.text.toLowerCase();
    if (PARSERS.has(word) || word === "decolorize") return true;
    for (let at = this.at - 1; at >= 0; at--) {
      if (this.tokens[at]?.text === "|")
        return ["json", "logfmt"].includes(this.tokens[at + 1]?.text.toLowerCase() ?? "");
    }
    return false;
  }

  private peek(): Token | undefined {
    return this.tokens[this.at];
  }

  private take(): Token {
    const token = this.tokens[this.at++];
    if (!token) throw new RangeError("no token is left");
    return token;
  }
}

function kindOf(word: string, compared: boolean): StageKind {
  if (ENDINGS.has(word) && !compared) return "ending";
  if (PARSERS.has(word)) return "parser";
  if (FORMATS.has(word)) return "format";
  return word === "unwrap" ? "unwrap" : "filter";
}
