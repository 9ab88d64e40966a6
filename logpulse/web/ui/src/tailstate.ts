// How a live tail stands, as a pure function of what happened: no clock, no socket, no list.

/** `waiting` entries are held back while paused; `lost` counts what nobody will see, server's and page's alike. */
export interface TailState {
  phase: "idle" | "connecting" | "live" | "reconnecting" | "polling" | "stopped";
  paused: boolean;
  waiting: number;
  lost: number;
  /** At least so many: the server could not count all. */
  lostAtLeast: boolean;
  /** Connections that failed in a row. */
  failures: number;
  /** A connection was open since the start, so the next one begins with a gap. */
  wasOpen: boolean;
  /** Milliseconds until the next attempt. */
  retryIn: number;
  reason: string;
}

export const IDLE: TailState = {
  phase: "idle",
  paused: false,
  waiting: 0,
  lost: 0,
  lostAtLeast: false,
  failures: 0,
  wasOpen: false,
  retryIn: 0,
  reason: "",
};

export type TailEvent =
  | { type: "start" }
  | { type: "opened" }
  /** `jitter` between 0 and 1 spreads the attempts of many pages. */
  | { type: "closed"; code: number; reason: string; jitter: number }
  | { type: "retry" }
  /** The handshake was refused for a reason that another attempt will not change. */
  | { type: "refused"; reason: string }
  /** No WebSocket comes through, while the server answers requests. */
  | { type: "blocked" }
  | { type: "held"; count: number }
  | { type: "lost"; count: number; atLeast: boolean }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "clear" }
  | { type: "stop"; reason: string };

const RETRY_FIRST = 1000;
const RETRY_MOST = 30_000;

/** The state after an event. Events that do not fit (a close after a stop) change nothing. */
export function tailAfter(state: TailState, event: TailEvent): TailState {
  switch (event.type) {
    case "start":
      return { ...IDLE, phase: "connecting" };
    case "opened":
      if (!isWanted(state)) return state;
      return { ...state, phase: "live", failures: 0, wasOpen: true, reason: "", retryIn: 0 };
    case "closed":
      return isWanted(state) ? afterClose(state, event.code, event.reason, event.jitter) : state;
    case "retry":
      return state.phase === "reconnecting" ? { ...state, retryIn: 0 } : state;
    case "blocked":
      return isWanted(state) ? { ...state, phase: "polling", reason: "", retryIn: 0 } : state;
    case "refused":
      return isWanted(state) ? { ...state, phase: "stopped", reason: event.reason, retryIn: 0 } : state;
    case "held":
      return state.paused ? { ...state, waiting: state.waiting + event.count } : state;
    case "lost":
      return { ...state, lost: state.lost + event.count, lostAtLeast: state.lostAtLeast || event.atLeast };
    case "pause":
      return isWanted(state) && !state.paused ? { ...state, paused: true, waiting: 0 } : state;
    case "resume":
      return state.paused ? { ...state, paused: false, waiting: 0 } : state;
    case "clear":
      return { ...state, lost: 0, lostAtLeast: false, waiting: 0 };
    case "stop":
      return isWanted(state) ? { ...state, phase: "stopped", paused: false, waiting: 0, reason: event.reason } : state;
  }
}

/** Whether somebody still wants new lines. */
export function isWanted(state: TailState): boolean {
  return state.phase !== "idle" && state.phase !== "stopped";
}

function afterClose(state: TailState, code: number, reason: string, jitter: number): TailState {
  if (code === 1008) {
    return { ...state, phase: "stopped", reason: reason || "the server ended the tail" };
  }
  const failures = state.failures + 1;
  const wait = Math.min(RETRY_MOST, RETRY_FIRST * 2 ** Math.min(failures - 1, 10));
  return {
    ...state,
    phase: "reconnecting",
    failures,
    // Half fixed, half by chance: pages of one server do not come back in one moment.
    retryIn: Math.round(wait / 2 + (wait / 2) * jitter),
    // An attempt that fails says nothing of its own; why the connection ended stays.
    reason: reason || CLOSE_REASONS[code] || state.reason,
  };
}

const CLOSE_REASONS: Readonly<Record<number, string>> = {
  1001: "the server stops",
  1009: "a message was too large",
  1011: "the server failed",
  1013: "this page was too slow",
};

/** Lines a second over the last seconds. */
export class Rate {
  private readonly counted: { at: number; count: number }[] = [];

  constructor(private readonly window = 5000) {}

  /** Counts entries that came at a time in milliseconds. */
  add(count: number, at: number): void {
    const last = this.counted[this.counted.length - 1];
    if (last && at - last.at < 250) last.count += count;
    else this.counted.push({ at, count });
    this.forget(at);
  }

  perSecond(at: number): number {
    this.forget(at);
    let sum = 0;
    for (const { count } of this.counted) sum += count;
    return sum / (this.window / 1000);
  }

  private forget(at: number): void {
    while (this.counted[0] && this.counted[0].at < at - this.window) this.counted.shift();
  }
}
