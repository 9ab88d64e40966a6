import { expect, test } from "vitest";
import { placeAt } from "../src/logql/complete";

// `^` is the cursor; then the kind of place, what would be replaced, and the label that values are of.
test.each([
  ["^", "start", ""],
  ["ra^", "start", "ra"],
  ["sum(^", "expression", ""],
  ["sum(ra^te", "expression", "rate"],
  ["topk(5, ^", "expression", ""],
  ['sum(rate({a="b"}[5m])) / ^', "expression", ""],
  ["sum ^", "aggregated", ""],
  ['sum(rate({a="b"}[5m])) ^', "aggregated", ""],
  ['rate({a="b"}[5m]) ^', "none", ""],
  ["{^", "label", ""],
  ["{^}", "label", ""],
  ["{ap^", "label", "ap"],
  ["{ap^p", "label", "app"],
  ['{app="x", ^}', "label", ""],
  ['{app="x" ^}', "none", ""],
  ["{app ^", "operator", ""],
  ["{app=^", "value", "", "app"],
  ["{app=^}", "value", "", "app"],
  ["{app=ca^}", "value", "ca", "app"],
  ['{app="^', "value", '"', "app"],
  ['{app="c^', "value", '"c', "app"],
  ['{app="c^"}', "value", '"c"', "app"],
  ['{app="c^a"}', "value", '"ca"', "app"],
  ['{app="^, env="prod"}', "value", '"', "app"],
  ["{app=~`a^`}", "value", "`a`", "app"],
  ['{app!="a", env!~"^', "value", '"', "env"],
  ['{app="x"} ^', "stage", ""],
  ['{app="x"} |= "a" ^', "stage", ""],
  ['{app="x"} |= "^', "none", ""],
  ['{app="x"} |= ^', "none", ""],
  ['{app="x"} |^', "stageWord", ""],
  ['{app="x"} | js^', "stageWord", "js"],
  ['{app="x"} | json ^', "stage", ""],
  ['{app="x"} | json us^', "field", "us"],
  ['{app="x"} | json | du^', "stageWord", "du"],
  ['{app="x"} | json | duration ^', "comparison", ""],
  ['{app="x"} | json | duration > ^', "fieldValue", "", "duration"],
  ['{app="x"} | json | user="^', "fieldValue", '"', "user"],
  ['{app="x"} | json | user="u" ^', "stage", ""],
  ['{app="x"} | json | user="u" or ^', "field", ""],
  ['{app="x"} | json | (^', "field", ""],
  ['{app="x"} | drop ^', "field", ""],
  ['{app="x"} | drop a, b^', "field", "b"],
  ['{app="x"} | label_format a=^', "field", ""],
  ['{app="x"} | label_format a="^', "none", ""],
  ['{app="x"} | line_format "{{.^', "none", ""],
  ['{app="x"} | unwrap ^', "unwrap", ""],
  ['{app="x"} | unwrap duration(^', "unwrap", ""],
  ['rate({app="x"}[^', "range", ""],
  ['rate({app="x"}[5^', "range", "5"],
  ['rate({app="x"}[5^m])', "range", "5m]"],
  ['rate({app="x"} | ^[5m])', "stageWord", ""],
  ['sum by (^) (rate({app="x"}[5m]))', "grouping", ""],
  ['sum(rate({app="x"}[5m])) by (app, le^)', "grouping", "le"],
  ['{app="x"} # |^', "none", ""],
  ['{app="x#"} |^', "stageWord", ""],
  ['rate({a="b"}[5m]) > ^', "expression", ""],
])("%s: %s", (marked, kind, replaced, name = "") => {
  const position = marked.indexOf("^");
  const text = marked.replace("^", "");
  const place = placeAt(text, position);
  expect(place.kind).toBe(kind);
  if (place.kind !== "none") expect(text.slice(place.from, place.to)).toBe(replaced);
  if (place.kind === "value" || place.kind === "fieldValue") expect(place.name).toBe(name);
});

test.each([
  ['{app="x"} | json | du^', '{app="x"} | json'],
  ['{app="x"} |= "a" |^', '{app="x"} |= "a"'],
  ['{app="x"} | ^', '{app="x"}'],
  ['{app="x"} | json | user="^', '{app="x"} | json'],
  ['sum by (^) (rate({app="x"}[5m]))', ""],
  ['sum(rate({app="x"} | json [5m])) by (^', '{app="x"} | json'],
])("fields are asked for the stages in front: %s", (marked, basis) => {
  const place = placeAt(marked.replace("^", ""), marked.indexOf("^"));
  expect("basis" in place && place.basis).toBe(basis);
});

test("positions of every prefix have a place", () => {
  const query =
    'sum by (a) (rate({a="b\\"", c=~`d`} |= "x" != `y` | json e="f.g" | h > 5ms or i="j" | unwrap k [5m] offset 1h)) # l';
  const misplaced: unknown[] = [];
  for (let length = 0; length <= query.length; length++) {
    // Every third, the end among them; each position has its turn in some prefix.
    for (let position = length % 3; position <= length; position += 3) {
      const place = placeAt(query.slice(0, length), position);
      if (place.kind === "none") continue;
      const fits = place.from <= position && position <= place.to && place.to <= length;
      if (!fits) misplaced.push({ length, position, place });
    }
  }
  expect(misplaced).toEqual([]);
});
