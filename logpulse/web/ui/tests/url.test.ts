import { describe, expect, it } from "vitest";
import { toRfc3339 } from "../src/instant";
import { DEFAULT, type Place, readPlace, readSelected, writePlace, writeSelected } from "../src/url";

function roundTrip(place: Place): Place {
  const url = new URL(writePlace(place), "http://h/logs/");
  return readPlace(url.search, url.hash).place;
}

describe("the address of a place", () => {
  it("is empty for the default", () => {
    expect(writePlace(DEFAULT)).toBe(".");
    expect(readPlace("", "").place).toEqual(DEFAULT);
  });

  const places: [string, Partial<Place>][] = [
    ["a query of all kinds of characters", { query: '{a="ä&=#+% "} |~ `\\d+`\n| json' }],
    ["times", { from: "2026-11-23T14:00:00.123456789Z", to: "now-5m" }],
    ["a zone", { zone: "Europe/Berlin" }],
    ["columns with commas and percent signs", { columns: ["a,b", "100%2C", "c"] }],
    ["levels", { levels: ["error", "unknown"] }],
    ["everything else", { direction: "forward", limit: 77, wrap: true, precision: "ns", view: "health", live: true }],
    ["a line and its context", { selected: "1764093600000000001.abc-_", context: "1.x" }],
    ["a query too long for a request line", { query: `{a="${"ü".repeat(3000)}"}` }],
  ];
  it.each(places)("brings back %s", (_, patch) => {
    const place = { ...DEFAULT, ...patch };
    expect(roundTrip(place)).toEqual(place);
  });

  it("keeps a long query out of the request line", () => {
    const written = writePlace({ ...DEFAULT, query: "x".repeat(5000) });
    expect(written.indexOf("#")).toBeLessThan(10);
  });
});

describe("an address that people wrote", () => {
  it("reads what it can and names what means nothing", () => {
    const { place, unknown } = readPlace("?tz=Nowhere/Land&limit=-3&lv=error,loud&view=moon&ts=us&foo=1&foo=2", "");
    expect(place).toEqual({ ...DEFAULT, levels: ["error"] });
    expect(unknown).toEqual(["foo"]);
  });

  it("bounds the limit", () => {
    expect(readPlace("?limit=99999999", "").place.limit).toBe(5000);
  });

  it.each([
    ["12.id", { at: 12n, id: "id" }],
    ["12.a.b", { at: 12n, id: "a.b" }],
    ["", null],
    ["x.id", null],
    ["12.", null],
    [`${"9".repeat(30)}.id`, null],
  ])("reads the line %j", (text, wanted) => {
    expect(readSelected(text)).toEqual(wanted);
  });

  it.each(["1970-01-01T00:00:00Z", "2026-11-25T17:42:29.77630614Z", "2026-11-25T17:42:29.000000001Z"])(
    "name an entry of %s to the nanosecond",
    (timestamp) => {
      const read = readSelected(writeSelected({ timestamp, id: "x.y" }));
      expect([read && toRfc3339(read.at), read?.id]).toEqual([timestamp, "x.y"]);
    },
  );
});
