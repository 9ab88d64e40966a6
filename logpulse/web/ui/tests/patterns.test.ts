import { describe, expect, it } from "vitest";
import { masked, patternsOf } from "../src/patterns";
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
      { text: "took <n> ms", count: 2, level: "warn", example: "took 5 ms", shared: "took" },
      { text: "started", count: 1, level: "info", example: "started", shared: "started" },
    ]);
  });
});
