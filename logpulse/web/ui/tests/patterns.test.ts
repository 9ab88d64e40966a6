import { describe, expect, it } from "vitest";
import { filterOf, masked, patternsOf } from "../src/patterns";
import { Ring } from "../src/ring";
import { entry } from "./entries";

describe("patterns", () => {
  it.each([
    ["GET /a/12 200 3.5ms", "GET /a/<n> <n> <n>ms"],
    ["2026-11-25T10:00:00.5Z ok", "<time> ok"],
    ["from 10.0.0.1:80", "from <ip>"],
    ["id 4bf92f3577b34da6 done", "id <id> done"],
  ])("%j is %j", (line, wanted) => {
    expect(masked(line)).toBe(wanted);
  });

  it("count lines of one shape, the most frequent first", () => {
    const ring = new Ring(10);
    ring.push([
      entry(1, { message: "took 5 ms", level: "warn" }),
      entry(2, { message: "started" }),
      entry(3, { message: "took 70 ms", level: "warn" }),
    ]);
    expect(patternsOf(ring)).toEqual([
      { text: "took <n> ms", count: 2, level: "warn", example: "took 5 ms", filter: "took <_> ms" },
      { text: "started", count: 1, level: "info", example: "started", filter: "started" },
    ]);
  });

  it("take an id of digits and one of letters for the same", () => {
    const ring = new Ring(10);
    ring.push([entry(1, { message: "job 0a0898b4 done" }), entry(2, { message: "job 10089834 done" })]);
    expect(patternsOf(ring).map(({ text, count }) => [text, count])).toEqual([["job <id> done", 2]]);
  });

  it.each([
    ["took 5 ms", "took <_> ms"],
    ["\u001b[32mGET\u001b[0m /a/1", "<_>GET<_> /a/<_>"],
    ["first\nsecond", "first<_>"],
    ["1 2", "<_> <_>"],
    ["10.5", ""],
    ["<img src=1> <b>", "<img src=<_>> <_>"],
    [`${"a".repeat(500)}`, `${"a".repeat(400)}<_>`],
  ])("%j is filtered by %j", (message, wanted) => {
    expect(filterOf(message)).toBe(wanted);
  });
});
