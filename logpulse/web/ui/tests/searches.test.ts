import { expect, test } from "vitest";
import * as store from "../src/past/searches";

const RANGE = { from: "now-1h", to: "now" };
const run = (query: string, at = 0): store.Run => ({ query, range: RANGE, at, count: 1, milliseconds: 2 });

test("a query run again moves to the front", () => {
  const history = ["a", "b", "a"].map((query) => run(query)).reduce(store.withRun, store.EMPTY);
  expect(history.runs.map(({ query }) => query)).toEqual(["a", "b"]);
});

test("the last 100 runs are kept", () => {
  const history = Array.from({ length: 103 }, (_, index) => run(`q${index}`)).reduce(store.withRun, store.EMPTY);
  expect(history.runs).toHaveLength(100);
  expect(history.runs[0]?.query).toBe("q102");
});

test("a name holds one search, and its star is found by the query", () => {
  const saved = [
    { name: "n", query: "a", range: RANGE },
    { name: "n", query: "b", range: RANGE },
    { name: "m", query: "c", range: RANGE },
  ];
  const history = saved.reduce(store.withSaved, store.EMPTY);
  expect(history.saved.map(({ name }) => name)).toEqual(["m", "n"]);
  expect(store.savedAs(history, "b")?.name).toBe("n");
  expect(store.savedAs(store.withoutSaved(history, "n"), "b")).toBeNull();
});

test("what was written is read", () => {
  const history = store.withSaved(store.withRun(store.EMPTY, run("a")), { name: "n", query: "q", range: RANGE });
  expect(store.readHistory(store.writeHistory(history))).toEqual(history);
});

test.each([
  "",
  "null",
  "[]",
  "{}",
  '{"version":2,"runs":[],"saved":[]}',
  '{"version":1,"runs":{},"saved":[]}',
  "\u0000",
])("%s is no history", (text) => {
  expect(store.readHistory(text)).toBeNull();
});

test("malformed entries are left out", () => {
  const runs = [run("a"), { query: 1 }, null, { ...run("b"), at: "x" }, { ...run("c"), range: {} }];
  expect(
    store.readHistory(JSON.stringify({ version: 1, runs, saved: [{ name: "", query: "q", range: RANGE }] })),
  ).toEqual({
    runs: [run("a")],
    saved: [],
  });
});

test("merging keeps what is here and the newest runs first", () => {
  const here = store.withSaved(store.withRun(store.EMPTY, run("a", 1)), { name: "n", query: "here", range: RANGE });
  const there = store.withSaved(store.withRun(store.withRun(store.EMPTY, run("a", 0)), run("b", 2)), {
    name: "n",
    query: "there",
    range: RANGE,
  });
  const both = store.merged(here, there);
  expect(both.runs.map(({ query, at }) => [query, at])).toEqual([
    ["b", 2],
    ["a", 1],
  ]);
  expect(both.saved.map(({ query }) => query)).toEqual(["here"]);
  expect(store.merged(both, there)).toEqual(both);
});

test("a full storage gives up the oldest runs, a closed one everything", () => {
  const history = ["a", "b", "c", "d"].map((query) => run(query)).reduce(store.withRun, store.EMPTY);
  let kept = "";
  const small = {
    setItem: (_: string, value: string) => {
      if (value.length > 250) throw new Error("full");
      kept = value;
    },
  };
  expect(store.storeHistory(small, history)).toBe(true);
  expect(store.readHistory(kept)?.runs[0]?.query).toBe("d");
  const refuse = () => {
    throw new Error("closed");
  };
  expect(store.storeHistory({ setItem: refuse }, history)).toBe(false);
  expect(store.loadHistory({ getItem: refuse })).toEqual(store.EMPTY);
});
