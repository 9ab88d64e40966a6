import { expect, test } from "vitest";
import { reasonOf, spanOf } from "../src/editor/position";

const at = (offset: number, length: number) => ({
  error: "",
  position: { offset, length, line: 1, column: offset + 1 },
});

test.each([
  ['{app="x" |= "a"', 9, 2, "|="],
  ['{app="😀" |= "a"', 9, 2, "|="],
  ['{app="x"', 8, 0, '"'],
  ["{", 1, 0, "{"],
  ["", 0, 0, ""],
  ["{}", 0, 99, "{}"],
])("%s at %i, %i characters", (text, offset, length, marked) => {
  const span = spanOf(text, at(offset, length));
  expect(span && text.slice(span.from, span.to)).toBe(marked);
});

test("an error without a place has none", () => {
  expect(spanOf("{", { error: "too long" })).toBeNull();
});

test.each([
  [
    "parse error at line 1, column 15: unexpected end; expected `}` (close it)",
    "close it",
    "unexpected end; expected `}`",
  ],
  ["parse error at line 2, column 1: unexpected `x`", "", "unexpected `x`"],
  ["no series", "", "no series"],
])("%s", (error, hint, reason) => {
  expect(reasonOf({ error, ...(hint ? { hint } : {}) })).toBe(reason);
});
