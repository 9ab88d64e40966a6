import { expect, test } from "vitest";
import { barsOf, isSevere, legendName, totalOf } from "../src/chart/levels";
import { roundScale } from "../src/chart/paint";
import type { VolumeAnswer } from "../src/types";

const WORDS = ["", "trace", "info", "fatal", "odd", "error", "critical"];
const volume: VolumeAnswer = {
  start: "",
  end: "",
  step: "30s",
  times: [],
  levels: WORDS.map((level, index) => ({ level, counts: [1, index], total: 1 + index })),
  total: 28,
  estimated: false,
  stats: {} as VolumeAnswer["stats"],
};

test("levels stand from the most severe on, the words of one level are summed", () => {
  const bars = barsOf(volume);
  expect(bars.map(({ level, counts, total }) => [level, counts, total])).toEqual([
    ["critical", [2, 9], 11],
    ["error", [1, 5], 6],
    ["info", [1, 2], 3],
    ["trace", [1, 1], 2],
    ["unknown", [2, 4], 6],
  ]);
  expect(bars.map(({ level }) => level).filter(isSevere)).toEqual(["critical", "error"]);
});

test.each([
  [
    ["", "error"],
    ["error", "unknown"],
  ],
  [["fatal", "critical"], ["critical"]],
  [["odd", "", "\u202e<b>"], ["unknown (odd, ⟨U+202E⟩<b>)"]],
  [["a", "b", "c", "d"], ["unknown (a, b, c …)"]],
])("the legend of %j says %j", (words, names) => {
  const levels = words.map((level) => ({ level, counts: [1], total: 1 }));
  expect(barsOf({ ...volume, levels }).map(legendName)).toEqual(names);
});

test("the total of chosen levels is that of their bars, of none that of all", () => {
  expect(totalOf(volume, ["critical", "unknown"])).toBe(17);
  expect(totalOf(volume, [])).toBe(28);
});

test.each([0, 1, 2, 3, 5, 7, 13, 99, 100, 101, 5234, 1e9])(
  "a scale for %i reaches it with few round steps",
  (value) => {
    const { top, step } = roundScale(value);
    expect(top).toBeGreaterThanOrEqual(value);
    expect(top).toBeLessThanOrEqual(Math.max(1, 2 * value));
    expect(top / step).toBeLessThanOrEqual(2);
    expect(top % step).toBe(0);
    expect(step % 1).toBe(0);
  },
);
