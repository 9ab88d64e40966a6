import { describe, expect, it } from "vitest";
import { isExact, Offsets, wrappedLines } from "../src/offsets";
import { Ring } from "../src/ring";
import { entries, entry } from "./entries";

describe("wrapped lines", () => {
  it.each([
    ["", 10, 1],
    ["0123456789", 10, 1],
    ["0123456789a", 10, 2],
    ["a\n\nb", 10, 3],
    [`${"x".repeat(25)}\n${"y".repeat(11)}`, 10, 5],
  ])("of %j in %i columns are %i", (text, columns, lines) => {
    expect(wrappedLines(text, columns)).toBe(lines);
  });

  it("are exact for ASCII alone", () => {
    expect(isExact("plain ~ text\nnext")).toBe(true);
    expect(isExact("tab\t")).toBe(false);
    expect(isExact("ü")).toBe(false);
  });
});

describe("offsets", () => {
  it("of rows of one height are multiples", () => {
    const offsets = new Offsets();
    const ring = new Ring(1000);
    ring.push(entries(0, 100));
    offsets.update(ring, { line: 22, columns: 0, head: 0 });
    expect(offsets.total).toBe(2200);
    expect([offsets.indexAt(0), offsets.indexAt(21), offsets.indexAt(22), offsets.indexAt(99_999)]).toEqual([
      0, 0, 1, 99,
    ]);
  });

  it("of wrapped rows are sums, with measured ones as measured", () => {
    const offsets = new Offsets();
    const ring = new Ring(10);
    ring.push([entry(1, { message: "x".repeat(25) }), entry(2, { message: "ü\t" }), entry(3, { message: "z" })]);
    const layout = { line: 20, columns: 10, head: 1 };
    offsets.update(ring, layout);
    expect([0, 1, 2, 3].map((index) => offsets.top(index))).toEqual([0, 80, 120, 160]);
    const row = ring.at(1);
    if (!row) throw new Error("no row");
    expect(offsets.measured(row, 3)).toBe(true);
    expect(offsets.measured(row, 3)).toBe(false);
    offsets.update(ring, layout);
    expect(offsets.top(2)).toBe(160);
    for (let pixels = 0; pixels < offsets.total; pixels += 7) {
      const index = offsets.indexAt(pixels);
      expect(offsets.top(index)).toBeLessThanOrEqual(pixels);
      expect(offsets.top(index + 1)).toBeGreaterThan(pixels);
    }
  });
});
