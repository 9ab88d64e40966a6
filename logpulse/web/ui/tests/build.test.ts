import { describe, expect, test } from "vitest";
import * as build from "../src/logql/build";
import { quote, unquote } from "../src/logql/quote";

describe("includeValue", () => {
  test.each([
    ["", "label", "app", "x", '{app="x"}'],
    ["{}", "label", "app", "x", '{app="x"}'],
    ['{env="prod"}', "label", "app", "x", '{env="prod", app="x"}'],
    ['{app="y"}', "label", "app", "x", '{app="x"}'],
    ['{app="x"}', "label", "app", "x", '{app="x"}'],
    ['{app!="x", env="prod"}', "label", "app", "x", '{app="x", env="prod"}'],
    ['{app=~"a|b", env="p"} |= "}"', "label", "app", "a", '{app="a", env="p"} |= "}"'],
    ['{app="x" |= "a"', "label", "env", "p", '{app="x", env="p"} |= "a"'],
    ['{app="x"', "label", "env", "p", '{app="x", env="p"}'],
    [
      'sum(rate({a="b"}[5m])) / sum(rate({a="b"}[1h]))',
      "label",
      "c",
      "d",
      'sum(rate({a="b", c="d"}[5m])) / sum(rate({a="b", c="d"}[1h]))',
    ],
    ['{a="b"} # {c="d"}', "label", "e", "f", '{a="b", e="f"} # {c="d"}'],
    ['{a="b"}', "label", "not a name", "f", '{a="b"}'],
    ['{a="b"}', "label", "json", "f", '{a="b"}'],
    ['{a="b"}', "label", "path", 'C:\\x "y"', '{a="b", path=`C:\\x "y"`}'],
    ['{a="b"}', "label", "tick", '`"', '{a="b", tick="`\\""}'],
    ['{a="b"}', "metadata", "trace", "t1", '{a="b"} | trace="t1"'],
    ['{a="b"}', "json", "user", "u", '{a="b"} | json | user="u"'],
    ['{a="b"} | json', "json", "user", "u", '{a="b"} | json | user="u"'],
    ['{a="b"} | json | user != "u"', "json", "user", "u", '{a="b"} | json | user="u"'],
    ['{a="b"} | json | user="u"', "json", "user", "u", '{a="b"} | json | user="u"'],
    ['{a="b"} |= "x" | dedup by (a)', "metadata", "t", "1", '{a="b"} |= "x" | t="1" | dedup by (a)'],
    ['{a="b"} | dedup', "metadata", "t", "1", '{a="b"} | t="1" | dedup'],
    ['{a="b"} | context="1"', "metadata", "t", "1", '{a="b"} | context="1" | t="1"'],
    [
      'avg_over_time({a="b"} | logfmt | unwrap ms [5m]) by (a)',
      "logfmt",
      "t",
      "1",
      'avg_over_time({a="b"} | logfmt | t="1" | unwrap ms [5m]) by (a)',
    ],
    ['rate({a="b"}[5m] offset 1h | json)', "json", "t", "1", 'rate({a="b"}[5m] offset 1h | json | t="1")'],
    ["timeout", "label", "a", "b", "timeout"],
  ] as const)("%s: %s %s=%s", (query, kind, name, value, expected) => {
    expect(build.includeValue(query, kind, name, value)).toBe(expected);
  });
});

describe("excludeValue", () => {
  test.each([
    ["", "label", "app", "x", '{app!="x"}'],
    ['{app="x"}', "label", "app", "x", '{app!="x"}'],
    ['{app="x", env="p"}', "label", "app", "x", '{env="p", app!="x"}'],
    ['{env="p", app!="x"}', "label", "app", "y", '{env="p", app!="x", app!="y"}'],
    ['{env="p", app!="x"}', "label", "app", "x", '{env="p", app!="x"}'],
    ['{a="b"}', "logfmt", "s", "5", '{a="b"} | logfmt | s!="5"'],
    ['{a="b"} | s="5"', "metadata", "s", "5", '{a="b"} | s!="5"'],
  ] as const)("%s: %s %s=%s", (query, kind, name, value, expected) => {
    expect(build.excludeValue(query, kind, name, value)).toBe(expected);
  });
});

test.each([
  ['{a="b"}', "label", "app", '{a="b", app=~".+"}'],
  ['{app="b"}', "label", "app", '{app="b"}'],
  ['{a="b"}', "json", "user", '{a="b"} | json | user!=""'],
] as const)("hasField %s %s %s", (query, kind, name, expected) => {
  expect(build.hasField(query, kind, name)).toBe(expected);
});

test.each([
  [{ text: "12.5", regex: false, matchCase: false }, '{a="b"} |= "12.5"'],
  [{ text: "Time.out", regex: false, matchCase: true }, '{a="b"} |= "Time.out"'],
  [{ text: "Time.out", regex: false, matchCase: false }, '{a="b"} |~ `(?i)Time\\.out`'],
  [{ text: "a|b", regex: true, matchCase: true }, '{a="b"} |~ "a|b"'],
  [{ text: "a|b", regex: true, matchCase: false }, '{a="b"} |~ "(?i)a|b"'],
  [{ text: "", regex: true, matchCase: false }, '{a="b"}'],
])("addSearch %j finds the lines that the search found", (search, expected) => {
  expect(build.addSearch('{a="b"}', search)).toBe(expected);
});

test("addPattern stands where line filters stand, once", () => {
  const query = build.addPattern('{a="b"} |= "y" | json', "!>", "took <_> ms");
  expect(query).toBe('{a="b"} |= "y" !> "took <_> ms" | json');
  expect(build.addPattern(query, "!>", "took <_> ms")).toBe(query);
});

test.each([
  ['{a="b"}', "x", '{a="b"} |= "x"'],
  ['{a="b"} |= "y" | json', "x", '{a="b"} |= "y" |= "x" | json'],
  ['{a="b"} | json != "y"', "x", '{a="b"} |= "x" | json != "y"'],
  ['{a="b"} | json | line_format "{{.m}}" | dedup', "x", '{a="b"} | json | line_format "{{.m}}" |= "x" | dedup'],
  ['{a="b"} |= "x"', "x", '{a="b"} |= "x"'],
  ['{a="b"}', "a\nb\u202e", '{a="b"} |= "a\\nb\\u202e"'],
  ['{a="b"}', "", '{a="b"}'],
])("addLineFilter %s %s", (query, text, expected) => {
  expect(build.addLineFilter(query, text)).toBe(expected);
});

test.each([
  ["timeout", '{} |= "timeout"'],
  ["  payment timeout ", '{} |= "payment timeout"'],
  ['"order 8"', '{} |= "order 8"'],
  ['app="x", env=~"p.*"', '{app="x", env=~"p.*"}'],
  ["level=error", '{} |= "level=error"'],
  ["sum of things", '{} |= "sum of things"'],
  ['{app="x"}', null],
  ["rate({a=1", null],
  ["sum by (a) (x", null],
  ["(1 + 2)", null],
  ["# note", null],
  ["", null],
])("plainText %s", (text, expected) => {
  expect(build.plainText(text)).toBe(expected);
});

test.each([
  [
    '{a="b"} |= "x" |~ `y.*` != "z"',
    [
      ["x", false],
      ["y.*", true],
    ],
  ],
  [
    '{a="b"} |= "x" or "y" | json |= "z"',
    [
      ["x", false],
      ["y", false],
      ["z", false],
    ],
  ],
  ['{a="b"} |= ip("10.0.0.0/8") or "y"', [["y", false]]],
  ['{a="b"} |= ""', []],
])("lineFilters %s", (query, expected) => {
  expect(build.lineFilters(query).map(({ text, regex }) => [text, regex])).toEqual(expected);
});

test("selectorOf sorts and quotes", () => {
  expect(build.selectorOf({ b: 'x"', a: "é" })).toBe('{a="é", b=`x"`}');
});

describe("chips", () => {
  const query = '{app="x", env!="p"} |= "a" or "b" | json | s >= 5 | t="1" != "c"';

  test("are matchers, line filters and single text comparisons", () => {
    expect(build.chipsOf(query).map(({ text }) => text)).toEqual([
      'app="x"',
      'env!="p"',
      '|= "a" or "b"',
      't="1"',
      '!= "c"',
    ]);
  });

  test.each([
    [0, '{env!="p"} |= "a" or "b" | json | s >= 5 | t="1" != "c"'],
    [1, '{app="x"} |= "a" or "b" | json | s >= 5 | t="1" != "c"'],
    [2, '{app="x", env!="p"} | json | s >= 5 | t="1" != "c"'],
    [3, '{app="x", env!="p"} |= "a" or "b" | json | s >= 5 != "c"'],
    [4, '{app="x", env!="p"} |= "a" or "b" | json | s >= 5 | t="1"'],
  ])("chip %i can be taken away", (index, expected) => {
    const chip = build.chipsOf(query)[index];
    expect(chip && build.withoutChip(query, chip)).toBe(expected);
  });

  test("without the last matcher all streams are meant", () => {
    const [chip] = build.chipsOf('{app="x"} | json');
    expect(chip && build.withoutChip('{app="x"} | json', chip)).toBe("{} | json");
  });
});

const HOSTILE = [
  "",
  "x",
  '"',
  "\\",
  "`",
  '`"\\',
  "a\nb\t\r",
  "\x00\x1b[31m",
  "</script>",
  '"}|= "',
  "\u202e\u200b",
  "é😀",
];

test.each(HOSTILE)("quote and unquote undo each other: %j", (text) => {
  expect(unquote(quote(text))).toBe(text);
});

test("half a surrogate pair becomes what the server stores for it", () => {
  expect(quote("\ud800")).toBe('"\ufffd"');
});

test.each(HOSTILE)("what is included is found again, and no text breaks out of its quotes: %j", (text) => {
  const query = build.includeValue('{a="b"} | json', "label", "v", text);
  expect(query.endsWith("} | json")).toBe(true);
  expect(build.chipsOf(query).map((chip) => chip.kind)).toEqual(["matcher", "matcher"]);
  expect(build.includeValue(query, "label", "v", text)).toBe(query);
  const filtered = build.includeValue(query, "metadata", "w", text);
  expect(build.excludeValue(filtered, "metadata", "w", text)).toBe(filtered.replace(/w=(?=["`])/, "w!="));
});

test.each([
  ['"\\x41\\u00e9\\101\\n\\xc3\\xa9\\U0001F600"', "AéA\né😀"],
  ["`a\\n`", "a\\n"],
  ['"\\q"', "\\q"],
  ['"open', "open"],
  ['"', ""],
])("unquote %s", (literal, text) => {
  expect(unquote(literal)).toBe(text);
});
