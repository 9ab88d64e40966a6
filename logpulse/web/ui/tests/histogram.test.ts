import { expect, test } from "vitest";
import { isSevere, nameOf, shown } from "../src/chart/levels";
import { roundScale } from "../src/chart/paint";
import type { VolumeAnswer } from "../src/types";

const volume = {
  levels: ["", "trace", "info", "fatal", "odd", "error", "critical"].map((level) => ({ level, counts: [], total: 0 })),
};

test("critical and error are at the bottom of the stack, what is unknown on top", () => {
  const order = shown(volume as unknown as VolumeAnswer, []).map(({ level }) => nameOf(level));
  expect(order).toEqual(["fatal", "critical", "error", "info", "trace", "unknown", "odd"]);
  expect(order.filter(isSevere)).toEqual(["fatal", "critical", "error"]);
});

test("only chosen levels are drawn", () => {
  expect(shown(volume as unknown as VolumeAnswer, ["", "error"]).map(({ level }) => level)).toEqual(["error", ""]);
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
