import { describe, expect, it } from "vitest";
import { ansiRuns, stripAnsi, visible } from "../src/ansi";

const E = "\u001b";

describe("terminal colours", () => {
  it.each([
    ["plain", [["plain", ""]]],
    [
      `${E}[31mred${E}[0m rest`,
      [
        ["red", "ansi-red"],
        [" rest", ""],
      ],
    ],
    [`${E}[1;92mgo`, [["go", "ansi-green ansi-bold"]]],
    [
      `${E}[1mA${E}[22mB`,
      [
        ["A", "ansi-bold"],
        ["B", ""],
      ],
    ],
    [`${E}[mnone`, [["none", ""]]],
    [
      `${E}[38;5;9mX${E}[38;5;200mY`,
      [
        ["X", "ansi-red"],
        ["Y", ""],
      ],
    ],
    [`${E}[38;2;1;2;3;4mX`, [["X", "ansi-underline"]]],
    [`${E}[48;5;1mback`, [["back", ""]]],
  ])("%j", (text, wanted) => {
    expect(ansiRuns(text).map(({ text: run, style }) => [run, style])).toEqual(wanted);
  });

  it.each([
    [`${E}]8;;https://evil.example${E}\\link${E}]8;;${E}\\`, "link"],
    [`${E}]0;title\u0007after`, "after"],
    [`${E}[2J${E}[Hcleared`, "cleared"],
    [`${E}[`, `${E}[`],
  ])("of %j nothing but the text stays", (text, wanted) => {
    expect(stripAnsi(text)).toBe(wanted);
    expect(
      ansiRuns(text)
        .map((run) => run.text)
        .join(""),
    ).toBe(wanted);
  });

  it("takes linear time for what never ends", () => {
    const text = `${E}]`.repeat(50_000);
    const begun = performance.now();
    stripAnsi(text);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe("hidden characters", () => {
  it.each([
    ["a\u0000b", "a␀b"],
    [`${E}[`, "␛["],
    ["\u007f\u0085", "␡⟨U+0085⟩"],
    ["\u202eabc\u2066", "⟨U+202E⟩abc⟨U+2066⟩"],
    ["\u061c\u2028", "⟨U+061C⟩⟨U+2028⟩"],
    ["\u200b\ufeff", "⟨U+200B⟩⟨U+FEFF⟩"],
    ["tab\there\nand 😀 ü", "tab\there\nand 😀 ü"],
  ])("%j are seen", (text, wanted) => {
    expect(visible(text)).toBe(wanted);
  });
});
