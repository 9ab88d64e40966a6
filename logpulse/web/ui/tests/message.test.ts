import { describe, expect, it } from "vitest";
import { fieldsOf, isTraceId, jsonOf, logfmtOf } from "../src/message";

describe("fields of a message", () => {
  it("are those of JSON, nested names joined, arrays left out", () => {
    expect(fieldsOf('{"a":{"b-c":1},"list":[1],"no":null,"ok":true,"1st":"x"}')).toEqual([
      { kind: "json", name: "a_b_c", value: "1" },
      { kind: "json", name: "ok", value: "true" },
      { kind: "json", name: "_1st", value: "x" },
    ]);
  });

  it("are those of logfmt", () => {
    expect(fieldsOf('level=info msg="it \\"works\\"" empty= n=5')).toEqual([
      { kind: "logfmt", name: "level", value: "info" },
      { kind: "logfmt", name: "msg", value: 'it "works"' },
      { kind: "logfmt", name: "empty", value: "" },
      { kind: "logfmt", name: "n", value: "5" },
    ]);
  });

  it.each(["plain text with one a=b pair in it", "", "{broken", "[1,2"])("%j has none", (text) => {
    expect(fieldsOf(text)).toEqual([]);
  });

  it("take linear time in one long word", () => {
    const begun = performance.now();
    expect(fieldsOf(`${"x".repeat(200_000)} a=b`)).toEqual([]);
    expect(performance.now() - begun).toBeLessThan(500);
  });

  it("are read from nested objects as deep as people nest them", () => {
    const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    expect(fieldsOf(nested(10))).toHaveLength(1);
    expect(fieldsOf(nested(50_000))).toEqual([]);
  });

  it("are not read from what is very long", () => {
    expect(jsonOf(`{"a":"${"x".repeat(300_000)}"}`)).toBeNull();
    expect(logfmtOf(`a=${"x".repeat(300_000)}`)).toBeNull();
  });
});

describe("ids of traces", () => {
  it.each([
    ["trace_id", "4bf92f3577b34da6a3ce929d0e0e4736", true],
    ["anything", "4bf92f3577b34da6a3ce929d0e0e4736", true],
    ["request_id", "abc-12345", true],
    ["trace_id", "short", false],
    ["user", "alice", false],
  ])("%s=%s: %s", (name, value, wanted) => {
    expect(isTraceId(name, value)).toBe(wanted);
  });
});
