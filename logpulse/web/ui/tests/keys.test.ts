import { describe, expect, it } from "vitest";
import { actionOf, BINDINGS } from "../src/keys";

function press(key: string, held: Partial<Pick<KeyboardEvent, "ctrlKey" | "shiftKey" | "altKey" | "metaKey">> = {}) {
  return { key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held };
}

describe("keys", () => {
  it("mean one thing each", () => {
    const keys = BINDINGS.flatMap((binding) => binding.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each([
    [press("j"), "rows", "down"],
    [press("G", { shiftKey: true }), "rows", "last"],
    [press("ArrowDown", { shiftKey: true }), "rows", "extendDown"],
    [press("a", { ctrlKey: true }), "rows", "selectAll"],
    [press("c", { metaKey: true }), "rows", "copySelection"],
    [press("c"), "rows", "context"],
    [press("j"), "text", null],
    [press("c", { ctrlKey: true }), "text", null],
    [press("Escape"), "text", "close"],
    [press("Enter", { ctrlKey: true }), "text", "run"],
    [press("Enter"), "control", null],
    [press(" "), "control", null],
    [press("/"), "control", "find"],
    [press("j", { altKey: true }), "rows", null],
    [press("r", { ctrlKey: true }), "rows", null],
  ] as const)("%j in %s is %s", (event, focus, action) => {
    expect(actionOf(event, focus, "on")).toBe(action);
  });

  it("without letters leave what needs none", () => {
    expect(actionOf(press("j"), "rows", "off")).toBeNull();
    expect(actionOf(press("ArrowDown"), "rows", "off")).toBe("down");
    expect(actionOf(press(" "), "rows", "off")).toBe("pause");
  });
});
