// Regular expressions of the find bar, away from the page's own thread.

import { regexSpans, type Span } from "./find";

export interface FindTask {
  number: number;
  pattern: string;
  matchCase: boolean;
  texts: string[];
}

export interface FindAnswer {
  number: number;
  error: string;
  found: [row: number, spans: Span[]][];
}

self.onmessage = (event: MessageEvent<FindTask>) => {
  const { number, pattern, matchCase, texts } = event.data;
  const answer: FindAnswer = { number, error: "", found: [] };
  try {
    const compiled = new RegExp(pattern, matchCase ? "g" : "gi");
    texts.forEach((text, row) => {
      const spans = regexSpans(text, compiled);
      if (spans.length) answer.found.push([row, spans]);
    });
  } catch (error) {
    answer.error = error instanceof Error ? error.message : String(error);
  }
  self.postMessage(answer);
};
