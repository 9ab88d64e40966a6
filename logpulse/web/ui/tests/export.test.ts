import { expect, test } from "vitest";
import { estimateBytes, fileName, writeEntries } from "../src/export";
import type { Entry } from "../src/types";

const entry = (message: string): Entry => ({
  id: "1",
  timestamp: "2026-01-15T10:30:00.000000001Z",
  level: "error",
  message,
  labels: { app: 'a"b' },
  metadata: {},
});
const rest = '"{""app"":""a\\""b""}",{}\r\n';

test.each([
  ["plain", "plain"],
  ["a,b", '"a,b"'],
  ['say "x"', '"say ""x"""'],
  ["two\nlines", '"two\nlines"'],
  ["=1+1", "'=1+1"],
  ["@x", "'@x"],
  ["-1,2", '"\'-1,2"'],
  ["\tx", "'\tx"],
])("csv quotes %j", (message, cell) => {
  expect(writeEntries([entry(message)], "csv")).toBe(
    `timestamp,level,message,labels,metadata\r\n2026-01-15T10:30:00.000000001Z,error,${cell},${rest}`,
  );
});

test("ndjson holds the entry, text the message", () => {
  expect(JSON.parse(writeEntries([entry("é\n")], "ndjson"))).toEqual(entry("é\n"));
  expect(writeEntries([entry("a"), entry("b")], "text")).toBe("a\nb\n");
});

test("the estimate is exact where all entries are alike", () => {
  const entries = Array.from({ length: 3 }, () => entry("é"));
  expect(estimateBytes(entries, 1000, "text")).toBe(3000);
  expect(estimateBytes([], 1000, "text")).toBe(0);
});

test("file names hold the time and no character that headers or systems mind", () => {
  expect(fileName(Date.UTC(2026, 10, 23, 14), "text")).toBe("logpulse-20261123T140000Z.txt");
});
