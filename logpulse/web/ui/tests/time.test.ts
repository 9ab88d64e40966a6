import { describe, expect, test } from "vitest";
import { atWall, clockOf, formatInstant, isZone, parseInstant, toRfc3339, utcOf } from "../src/instant";
import { describeRange, parseRange, resolveTime, shiftRange, zoomOut } from "../src/time";

const NOW = Date.UTC(2026, 10, 23, 15, 30);

describe("parseRange", () => {
  test.each([
    ["15m", "now-15m", "now"],
    ["last 15 minutes", "now-15m", "now"],
    ["1h30m", "now-1h30m", "now"],
    ["90m", "now-1h30m", "now"],
    ["2h ago", "now-2h", "now"],
    ["now-1d to now", "now-1d", "now"],
    ["now-1d to now-1h", "now-1d", "now-1h"],
    ["2d ago to 1d ago", "now-2d", "now-1d"],
    ["2026-11-23 14:00 to 15:00", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"],
    ["2026-11-20 14:00 - 2026-11-21", "2026-11-20T14:00:00Z", "2026-11-21T00:00:00Z"],
    ["2026-11-20", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"],
    ["14:00 to 15:00", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"],
    ["14:00:00.123456789", "2026-11-23T14:00:00.123456789Z", "now"],
    ["today", "2026-11-23T00:00:00Z", "now"],
    ["yesterday", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"],
    ["1795442400 to 1795446000", "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"],
    ["1795442400123 .. now", "2026-11-23T14:00:00.123Z", "now"],
    ["1795442400123456789", "2026-11-23T14:00:00.123456789Z", "now"],
    ["2026-11-23T14:00:00.000000001+01:00 → now", "2026-11-23T13:00:00.000000001Z", "now"],
  ])("%s", (text, from, to) => {
    expect(parseRange(text, NOW, "UTC")).toEqual({ range: { from, to }, error: null });
  });

  test.each([
    "yesterdayish",
    "",
    "now",
    "15",
    "15q",
    "15:00 to 14:00",
    "a to b to c",
    "2026-02-30",
    "2026-13-01",
    "25:00",
    "now to now",
    "5m to",
  ])("%s is refused", (text) => {
    const { range, error } = parseRange(text, NOW, "UTC");
    expect(range).toBeNull();
    expect(error).not.toBe("");
  });

  test("reads wall clocks in the zone", () => {
    expect(parseRange("2026-07-01 14:00 to 15:00", NOW, "Europe/Berlin").range).toEqual({
      from: "2026-07-01T12:00:00Z",
      to: "2026-07-01T13:00:00Z",
    });
  });

  test("a day on which the clock changes has 25 hours", () => {
    expect(parseRange("2026-10-25", NOW, "Europe/Berlin").range).toEqual({
      from: "2026-10-24T22:00:00Z",
      to: "2026-10-25T23:00:00Z",
    });
  });
});

test.each([
  ["now", "2026-11-23T15:30:00Z"],
  ["now-1h30m", "2026-11-23T14:00:00Z"],
  ["2026-11-23T14:00:00.000000001Z", "2026-11-23T14:00:00.000000001Z"],
  ["1795442400123456789", "2026-11-23T14:00:00.123456789Z"],
  ["soon", null],
])("resolveTime %s", (text, expected) => {
  expect(resolveTime(text, NOW)).toBe(expected);
});

test.each([
  ["now-1h", "now", "UTC", "Last 1 hour"],
  ["now-1h30m", "now", "UTC", "Last 1 hour 30 minutes"],
  ["now-2d", "now-1d", "UTC", "2 days ago to 1 day ago"],
  ["2026-11-23T14:00:00Z", "2026-11-23T15:00:00.5Z", "UTC", "2026-11-23 14:00:00 to 15:00:00.500"],
  ["2026-11-23T14:00:00Z", "2026-11-23T23:30:00Z", "Europe/Berlin", "2026-11-23 15:00:00 to 2026-11-24 00:30:00"],
  ["2026-11-23T14:00:00Z", "now", "UTC", "2026-11-23 14:00:00 to now"],
])("describeRange %s %s %s", (from, to, zone, expected) => {
  expect(describeRange({ from, to }, zone)).toBe(expected);
});

test.each([
  ["now-1h", "now", 1, "2026-11-23T15:00:00Z", "2026-11-23T16:00:00Z"],
  ["now-1h", "now", -1, "2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z"],
  [
    "2026-11-23T14:00:00.000000001Z",
    "2026-11-23T15:00:00.000000001Z",
    -2,
    "2026-11-23T13:00:00.000000001Z",
    "2026-11-23T14:00:00.000000001Z",
  ],
])("shiftRange %s %s by %i", (from, to, halves, shiftedFrom, shiftedTo) => {
  expect(shiftRange({ from, to }, halves, NOW)).toEqual({ from: shiftedFrom, to: shiftedTo });
});

test.each([
  ["now-1h", "now", "now-2h", "now"],
  ["2026-11-23T14:00:00Z", "2026-11-23T15:00:00Z", "2026-11-23T13:30:00Z", "2026-11-23T15:30:00Z"],
])("zoomOut %s %s", (from, to, widerFrom, widerTo) => {
  expect(zoomOut({ from, to }, NOW)).toEqual({ from: widerFrom, to: widerTo });
});

test.each([
  "2026-11-23T14:00:00Z",
  "1970-01-01T00:00:00.000000001Z",
  "1969-12-31T23:59:59.999999999Z",
  "2262-04-11T23:47:16.854775807Z",
])("instants keep every digit: %s", (text) => {
  const instant = parseInstant(text);
  expect(instant !== null && toRfc3339(instant)).toBe(text);
});

test.each(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"])(
  "the clock of %s, read back, is the same clock, except in the hour that spring skips",
  (zone) => {
    const clock = clockOf(zone);
    for (let hour = 0; hour < 8766; hour += 7) {
      const wall = clock(Date.UTC(2026, 0, 1, hour, 17));
      expect(utcOf(clock(atWall(wall, zone)))).toBe(utcOf(wall));
    }
  },
);

test("formatInstant shows up to nine digits", () => {
  const instant = parseInstant("2026-11-23T14:00:00.123456789Z") ?? 0n;
  expect(formatInstant(instant, clockOf("Asia/Kathmandu"), 9)).toBe("2026-11-23 19:45:00.123456789");
  expect(formatInstant(instant, clockOf("UTC"), 0)).toBe("2026-11-23 14:00:00");
});

test.each([
  ["Europe/Berlin", true],
  ["local", true],
  ["UTC", true],
  ["Nowhere/Land", false],
  ["", false],
])("%j is a zone: %s", (zone, known) => {
  expect(isZone(zone)).toBe(known);
});
