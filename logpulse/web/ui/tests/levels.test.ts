import { describe, expect, it } from "vitest";
import { entryLevel, LEVELS, levelOf, levelWord } from "../src/levels";
import { entry } from "./entries";

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

  it.each([
    ["what the server says", { level: "debug", message: "ERROR" }, "debug"],
    ["else a word of the line", { level: "", message: "12:00 WARN x" }, "warn"],
    ["but no lower case one", { level: "", message: "no error found" }, "unknown"],
    ["and none behind the first 256 characters", { level: "", message: `${" ".repeat(300)}ERROR` }, "unknown"],
  ])("of an entry are %s", (_, patch, level) => {
    expect(entryLevel(entry(1, patch))).toBe(level);
  });
});
