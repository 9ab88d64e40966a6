import { describe, expect, it } from "vitest";
import { bytes, clock, compact, count, dateTime, duration, plural } from "../src/format";

describe("numbers", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1234, "1.2k"],
    [999_999, "1M"],
    [18_300_000, "18.3M"],
    [2.5e9, "2.5G"],
  ])("%d is %s", (value, text) => {
    expect(compact(value)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [1500, "1.5 kB"],
    [999_960, "1 MB"],
    [123_456_789, "123 MB"],
  ])("%d bytes are %s", (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  it("have separators and plurals", () => {
    expect(count(99535)).toBe("99,535");
    expect(plural(1, "line")).toBe("1 line");
    expect(plural(2000, "line")).toBe("2,000 lines");
  });

  it.each([
    [0.4, "under 1 ms"],
    [42.4, "42 ms"],
    [999.7, "1 s"],
    [1300, "1.3 s"],
    [59_990, "1 min"],
    [125_000, "2 min 5 s"],
    [11_400_000, "3 h 10 min"],
    [352_800_000, "4 d 2 h"],
  ])("%d ms are %s", (value, text) => {
    expect(duration(value)).toBe(text);
  });
});

describe("times", () => {
  const at = "2026-03-29T00:59:59.123456789Z"; // the last second of winter in Berlin
  it.each([
    ["UTC", "s", "00:59:59"],
    ["UTC", "ms", "00:59:59.123"],
    ["UTC", "ns", "00:59:59.123456789"],
    ["Europe/Berlin", "s", "01:59:59"],
    ["Asia/Kolkata", "ms", "06:29:59.123"],
  ] as const)("in %s to %s", (zone, precision, text) => {
    expect(clock(at, zone, precision)).toBe(text);
  });

  it("know summer", () => {
    expect(clock("2026-03-29T01:00:00Z", "Europe/Berlin", "ms")).toBe("03:00:00.000");
  });

  it("have their day in the zone", () => {
    expect(dateTime("2026-12-31T23:30:00.5Z", "Asia/Tokyo", "ms")).toBe("2027-01-01 08:30:00.500");
  });
});
