import { describe, expect, it } from "vitest";
import { Filtered, LINE_CAP, Reversed, Ring, Row, type Rows } from "../src/ring";
import { entries, entry } from "./entries";

function ids(rows: Rows): string[] {
  return Array.from({ length: rows.length }, (_, index) => {
    const row = rows.at(index);
    return row?.gap ? "gap" : (row?.entry?.id ?? "none");
  });
}

function filled(capacity: number, to: number): Ring {
  const ring = new Ring(capacity);
  ring.push(entries(0, to));
  return ring;
}

describe("a column", () => {
  const row = (message: string) =>
    new Row({ ...entry(1), message, labels: { app: "shop" }, metadata: { id: "7", app: "other" } });

  it.each([
    ["a label before metadata", "", "app", "shop"],
    ["metadata before the line", "id=8", "id", "7"],
    ["a field of a logfmt line", "duration=12ms ok=true", "duration", "12ms"],
    ["a field of a JSON line", '{"took":{"ms":5}}', "took_ms", "5"],
    ["hidden characters seen", '{"who":"\u202eeve"}', "who", "⟨U+202E⟩eve"],
    ["nothing that no line has", '{"a":1}', "constructor", ""],
    ["no field of a very long line", `{"a":1,"b":"${"x".repeat(20_000)}"}`, "a", ""],
  ])("shows %s", (_, message, name, wanted) => {
    expect(row(message).value(name)).toBe(wanted);
  });
});

describe("a ring", () => {
  it("keeps the order and drops what it has already", () => {
    const ring = new Ring(10);
    expect(ring.push([...entries(0, 3), ...entries(1, 4)])).toBe(4);
    expect(ids(ring)).toEqual(["0", "1", "2", "3"]);
  });

  it("lets the oldest go, counts them, and takes them again", () => {
    const ring = filled(3, 5);
    expect(ids(ring)).toEqual(["2", "3", "4"]);
    expect(ring.evicted).toBe(2);
    expect(ring.push([entry(0)])).toBe(1);
    expect(ids(ring)).toEqual(["3", "4", "0"]);
  });

  it("puts older entries before, as many as there is room for, the newest of them", () => {
    const ring = new Ring(5);
    ring.push(entries(10, 13));
    expect(ring.unshift(entries(0, 10))).toBe(2);
    expect(ids(ring)).toEqual(["8", "9", "10", "11", "12"]);
  });

  it("keeps the row objects when older ones come before", () => {
    const ring = new Ring(5);
    ring.push(entries(10, 12));
    const row = ring.at(0);
    ring.unshift(entries(0, 1));
    expect(ring.at(1)).toBe(row);
  });

  it("fills a gap in its place, without repeats", () => {
    const ring = filled(20, 2);
    ring.pushGap({ after: "", before: null, state: "open" });
    ring.push(entries(5, 7));
    const gap = ring.at(2);
    if (!gap) throw new Error("no gap");
    expect(ring.fillGap(gap, entries(1, 6))).toBe(3);
    expect(ids(ring)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
    expect(ring.fillGap(gap, entries(9, 10))).toBe(0);
  });

  it("stays within its capacity when a gap is filled", () => {
    const ring = filled(4, 2);
    ring.pushGap({ after: "", before: null, state: "open" });
    ring.push([entry(9)]);
    const gap = ring.at(2);
    if (gap) ring.fillGap(gap, entries(2, 8));
    expect(ids(ring)).toEqual(["5", "6", "7", "9"]);
  });

  it("wraps around many times", () => {
    const ring = filled(7, 1000);
    expect(ids(ring)).toEqual(["993", "994", "995", "996", "997", "998", "999"]);
    expect(ring.at(7)).toBeUndefined();
    expect(ring.at(-1)).toBeUndefined();
  });
});

describe("views of a ring", () => {
  it("reverses", () => {
    expect(ids(new Reversed(filled(3, 5)))).toEqual(["4", "3", "2"]);
  });

  it("filters", () => {
    expect(ids(new Filtered(filled(10, 6), (row) => Number(row.entry?.id) % 2 === 0))).toEqual(["0", "2", "4"]);
  });
});

describe("a row", () => {
  it("draws no colours, shows hidden characters, and caps the line", () => {
    const esc = "\u001b";
    const row = new Row(entry(1, { message: `${esc}[31mred${esc}[0m\u202e\u0000${"x".repeat(2 * LINE_CAP)}` }));
    expect(row.plain.startsWith("red⟨U+202E⟩␀xxx")).toBe(true);
    expect(row.hidden).toBeGreaterThan(LINE_CAP);
    expect(row.runs.map(({ text }) => text).join("")).toBe(row.plain);
    expect(row.runs[0]).toEqual({ text: "red", style: "ansi-red" });
  });

  it("has the values of columns from labels, metadata and the line", () => {
    const row = new Row(entry(1, { message: "a=1 b=2 c=3", labels: { a: "label" }, metadata: { b: "meta" } }));
    expect(["a", "b", "c", "d"].map((name) => row.value(name))).toEqual(["label", "meta", "3", ""]);
  });

  it("ends where its message does", () => {
    expect(new Row(entry(1, { message: "a\r\nb\n" })).plain).toBe("a\nb");
  });
});
