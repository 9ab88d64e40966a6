import { describe, expect, it } from "vitest";
import { literalRows, literalSpans, mergeSpans, nextOf, plainWords, regexSpans } from "../src/find";
import { Ring } from "../src/ring";
import { entry } from "./entries";

describe("a literal text", () => {
  it.each([
    [
      "aXbxA",
      "x",
      false,
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["aXbxA", "x", true, [[3, 4]]],
    [
      "aaaa",
      "aa",
      true,
      [
        [0, 2],
        [2, 4],
      ],
    ],
    ["abc", "", false, []],
    ["İ timeout", "TIMEOUT", false, [[2, 9]]],
    ["a.c abc", "a.c", true, [[0, 3]]],
  ])("in %j of %j", (text, wanted, matchCase, spans) => {
    expect(literalSpans(text, wanted, matchCase)).toEqual(spans);
  });

  it("is found in as many places as are asked for", () => {
    expect(literalSpans("x".repeat(1000), "x", true, 7)).toHaveLength(7);
  });

  it("is found in rows, but not in gaps", () => {
    const ring = new Ring(10);
    ring.push([entry(1, { message: "one Timeout" }), entry(2, { message: "two" })]);
    ring.pushGap({ after: "timeout", before: null, state: "open" });
    ring.push([entry(3, { message: "timeout" })]);
    expect(literalRows(ring, "timeout", false)).toEqual([0, 3]);
    expect(literalRows(ring, "timeout", true)).toEqual([3]);
    expect(literalRows(ring, "", false)).toEqual([]);
  });
});

describe("spans", () => {
  it("of a pattern are its matches that are not empty", () => {
    expect(regexSpans("a1b22", /\d*/g)).toEqual([
      [1, 2],
      [3, 5],
    ]);
  });

  it("that touch become one", () => {
    expect(
      mergeSpans([
        [5, 7],
        [0, 2],
        [2, 3],
        [6, 9],
      ]),
    ).toEqual([
      [0, 3],
      [5, 9],
    ]);
  });
});

describe("the next match", () => {
  it.each([
    [[2, 5, 9], 5, 1, 9],
    [[2, 5, 9], 9, 1, 2],
    [[2, 5, 9], 2, -1, 9],
    [[2, 5, 9], -1, 1, 2],
    [[], 3, 1, -1],
  ] as const)("of %j after %i by %i is %i", (places, from, step, wanted) => {
    expect(nextOf(places, from, step)).toBe(wanted);
  });
});

describe("words of a pattern", () => {
  it.each([
    ["timeout|refused", { words: ["timeout", "refused"], ignoreCase: false }],
    ["(?i)Error", { words: ["Error"], ignoreCase: true }],
    ["a.*b", null],
    ["(a|b)", null],
    ["", null],
  ])("%j", (pattern, wanted) => {
    expect(plainWords(pattern)).toEqual(wanted);
  });
});
