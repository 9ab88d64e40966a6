import { expect, test } from "vitest";
import { figure, plotOf, stacked } from "../src/chart/series";
import { timeTicks } from "../src/chart/ticks";
import type { QueryStats, Series } from "../src/types";

const answer = (...series: Series[]) => ({ series, step: "1m", stats: {} as QueryStats });
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

test("series share one axis, gaps and what is not finite are null, the greatest comes first", () => {
  const { times, lines } = plotOf(
    answer(
      {
        labels: { app: "a", env: "p" },
        points: [
          [at(1), 1],
          [at(3), "NaN"],
        ],
      },
      {
        labels: { app: "b", env: "p" },
        points: [
          [at(2), 3],
          [at(3), 5],
        ],
      },
    ),
  );
  expect(times).toEqual([1, 2, 3].map((minute) => Date.parse(at(minute))));
  expect(lines.map(({ name, values }) => [name, values])).toEqual([
    ["b", [null, 3, 5]],
    ["a", [1, null, null]],
  ]);
  expect(lines[0]).toMatchObject({ last: 5, min: 3, max: 5, mean: 4 });
  expect(stacked(lines)).toEqual([
    [0, 3, 5],
    [1, 3, 5],
  ]);
});

test.each([
  [[{}], ["all"]],
  [[{ app: "a" }], ["a"]],
  [[{ app: "a", env: "p" }], ['{app="a", env="p"}']],
  [
    [
      { app: "a", env: "p" },
      { app: "a", env: "q" },
    ],
    ["p", "q"],
  ],
  [
    [{ app: "a" }, { env: "a" }],
    ['{app="a"}', '{env="a"}'],
  ],
  [
    [{}, { app: "x" }],
    ['app=""', "x"],
  ],
  [
    [{ app: "\u202ea" }, { app: "x" }],
    ["⟨U+202E⟩a", "x"],
  ],
  [
    [{ app: "" }, { app: "x" }],
    ['app=""', "x"],
  ],
])("names tell series apart: %j", (labels, names) => {
  expect(
    plotOf(answer(...labels.map((own) => ({ labels: own as Record<string, string>, points: [] }))))
      .lines.map(({ name }) => name)
      .sort(),
  ).toEqual([...names].sort());
});

test.each([
  [null, "–"],
  [0, "0"],
  [0.018312, "0.01831"],
  [0.00000123, "1.23e-6"],
  [12.5, "12.5"],
  [1204.4, "1,204"],
  [1_234_567, "1.235M"],
  [-3, "-3"],
])("figure %s", (value, text) => {
  expect(figure(value)).toBe(text);
});

test.each([
  ["UTC", 0, 60, ["00:00", "00:15", "00:30", "00:45", "01:00"]],
  ["Asia/Kathmandu", 0, 60, ["05:45", "06:00", "06:15", "06:30", "06:45"]],
] as const)("ticks are round in %s", (zone, from, to, texts) => {
  const start = Date.UTC(2026, 5, 1);
  const found = timeTicks(start + from * 60_000, start + to * 60_000, 5, zone).map(({ text }) =>
    text === "06-01" ? "00:00" : text,
  );
  expect(found).toEqual(texts);
});

test("days are midnights on the wall, also across a change of the clock", () => {
  const start = Date.UTC(2026, 9, 20, 22);
  const ticks = timeTicks(start, start + 8 * 86_400_000, 10, "Europe/Berlin");
  expect(ticks.map(({ text }) => text)).toEqual([
    "10-21",
    "10-22",
    "10-23",
    "10-24",
    "10-25",
    "10-26",
    "10-27",
    "10-28",
  ]);
});
