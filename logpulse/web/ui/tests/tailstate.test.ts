import { describe, expect, it } from "vitest";
import { IDLE, isWanted, Rate, type TailEvent, type TailState, tailAfter } from "../src/tailstate";

function after(...events: TailEvent[]): TailState {
  return events.reduce(tailAfter, IDLE);
}

const START: TailEvent = { type: "start" };
const OPEN: TailEvent = { type: "opened" };
const LOST: TailEvent = { type: "closed", code: 1006, reason: "", jitter: 1 };

describe("a tail", () => {
  it("connects, is live, stops and keeps the reason", () => {
    expect(after(START).phase).toBe("connecting");
    expect(after(START, OPEN).phase).toBe("live");
    expect(after(START, OPEN, { type: "stop", reason: "enough" })).toMatchObject({
      phase: "stopped",
      reason: "enough",
    });
  });

  it("reconnects after 1, 2, 4 … and never more than 30 seconds", () => {
    let state = after(START);
    const waits = Array.from({ length: 8 }, () => {
      state = tailAfter(state, LOST);
      return state.retryIn;
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("spreads attempts over half of the time", () => {
    expect(after(START, { ...LOST, jitter: 0 }).retryIn).toBe(500);
  });

  it("begins to count anew when a connection was open", () => {
    expect(after(START, LOST, LOST, LOST, OPEN, LOST)).toMatchObject({ failures: 1, retryIn: 1000, wasOpen: true });
  });

  it.each([
    [1001, "the server stops"],
    [1013, "this page was too slow"],
    [1006, ""],
  ])("says why it reconnects after %i", (code, reason) => {
    expect(after(START, OPEN, { ...LOST, code })).toMatchObject({ phase: "reconnecting", reason });
  });

  it("says why it was cut off until it is back", () => {
    const gone = after(START, OPEN, { ...LOST, code: 1001 }, LOST, LOST);
    expect(gone.reason).toBe("the server stops");
    expect(tailAfter(tailAfter(gone, OPEN), LOST).reason).toBe("");
  });

  it("stops for good when the server says so", () => {
    const state = after(START, OPEN, { ...LOST, code: 1008, reason: "too many messages" });
    expect(state).toMatchObject({ phase: "stopped", reason: "too many messages" });
    expect(isWanted(state)).toBe(false);
  });

  it("stays as it is after a stop, whatever comes late", () => {
    const stopped = after(START, OPEN, { type: "stop", reason: "" });
    const late: TailEvent[] = [
      OPEN,
      LOST,
      { type: "retry" },
      { type: "blocked" },
      { type: "pause" },
      { type: "held", count: 3 },
    ];
    for (const event of late) expect(tailAfter(stopped, event)).toBe(stopped);
  });

  it("counts what waits only while paused, and nothing after going on", () => {
    const paused = after(START, OPEN, { type: "held", count: 5 }, { type: "pause" }, { type: "held", count: 7 });
    expect(paused).toMatchObject({ paused: true, waiting: 7 });
    expect(tailAfter(paused, { type: "resume" })).toMatchObject({ paused: false, waiting: 0, phase: "live" });
  });

  it("stays paused through a reconnection", () => {
    expect(after(START, OPEN, { type: "pause" }, LOST, OPEN)).toMatchObject({ phase: "live", paused: true });
  });

  it("sums what is lost until it is cleared", () => {
    const state = after(
      START,
      OPEN,
      { type: "lost", count: 2, atLeast: true },
      { type: "lost", count: 3, atLeast: false },
    );
    expect(state).toMatchObject({ lost: 5, lostAtLeast: true });
    expect(tailAfter(state, { type: "clear" })).toMatchObject({ lost: 0, lostAtLeast: false });
  });

  it("polls where no socket comes through, until it is stopped", () => {
    expect(after(START, LOST, { type: "blocked" }).phase).toBe("polling");
    expect(after(START, LOST, { type: "blocked" }, { type: "stop", reason: "" }).phase).toBe("stopped");
  });
});

describe("a rate", () => {
  it("is that of the last five seconds", () => {
    const rate = new Rate();
    for (let at = 0; at < 10_000; at += 100) rate.add(10, at);
    expect(rate.perSecond(9900)).toBeGreaterThan(95);
    expect(rate.perSecond(9900)).toBeLessThan(110);
    expect(rate.perSecond(20_000)).toBe(0);
  });
});
