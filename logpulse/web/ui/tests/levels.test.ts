import { describe, expect, it } from "vitest";
import { LEVELS, levelOf, levelWord } from "../src/levels";

describe("levels", () => {
  it.each([
    ["ERROR", "error"],
    ["Warning", "warn"],
    ["fatal", "critical"],
    ["emerg", "critical"],
    ["notice", "info"],
    ["", "unknown"],
    ["constructor", "unknown"],
    ["loud", "unknown"],
  ])("%j is %s", (word, level) => {
    expect(levelOf(word)).toBe(level);
  });

  it("have three letters each, all different", () => {
    const words = LEVELS.map(levelWord);
    expect(words.every((word) => word.length === 3)).toBe(true);
    expect(new Set(words).size).toBe(LEVELS.length);
  });
});
