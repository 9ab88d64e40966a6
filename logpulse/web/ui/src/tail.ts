// The socket of a live tail: connects, reconnects, follows a change of filter, and polls where no WebSocket comes through.

import { type Api, asRefusal, routeUrl } from "./api";
import { IDLE, isWanted, type TailEvent, type TailState, tailAfter } from "./tailstate";
import type { Entry, ErrorAnswer } from "./types";

/** What the tail tells; `onGap` comes before the entries of a connection that is not the first. */
export interface TailListener {
  onState(state: TailState): void;
  onEntries(entries: Entry[]): void;
  onGap(): void;
  /** The new filter begins here. */
  onFilter(): void;
  /** The server refused a frame, most likely a filter; the tail goes on as before. */
  onError(error: ErrorAnswer): void;
}

/** So many of the newest matching entries a tail begins with. */
const HISTORY = 1000;

/** Handshakes that fail while requests succeed, before the page polls. */
const BLOCKED_AFTER = 3;

const POLL_EVERY = 2000;
const POLL_LIMIT = 1000;

interface Frame {
  type: string;
  data?: Entry | Entry[];
  count?: number;
  atLeast?: boolean;
  message?: string;
  error?: string;
}

/** One tail of one query; `start` and `stop` may be called any number of times. */
export class Tail {
  private state: TailState = IDLE;
  private socket: WebSocket | null = null;
  private timer = 0;
  private query = "";
  private filters = 0;
  private newest = "";

  constructor(
    private readonly api: Api,
    private readonly listener: TailListener,
  ) {}

  start(query: string): void {
    this.close();
    this.query = query;
    this.newest = "";
    this.happen({ type: "start" });
    this.connect();
  }

  /** Follows another query over the same connection. */
  filter(query: string): void {
    this.query = query;
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ type: "filter", query, id: ++this.filters }));
    } else if (isWanted(this.state)) {
      this.start(query);
    }
  }

  /** Entries are held back by the page, not by the server: only so none is lost and the counter is true. */
  pause(): void {
    this.happen({ type: "pause" });
  }

  resume(): void {
    this.happen({ type: "resume" });
  }

  held(count: number): void {
    this.happen({ type: "held", count });
  }

  lost(count: number): void {
    this.happen({ type: "lost", count, atLeast: false });
  }

  clear(): void {
    this.happen({ type: "clear" });
  }

  stop(reason = ""): void {
    this.close();
    this.happen({ type: "stop", reason });
  }

  /** Tries again now. */
  retry(): void {
    if (this.state.phase !== "reconnecting") return;
    this.happen({ type: "retry" });
    this.connect();
  }

  private happen(event: TailEvent): void {
    const before = this.state;
    this.state = tailAfter(before, event);
    if (this.state !== before) this.listener.onState(this.state);
  }

  private close(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
  }

  private connect(): void {
    clearTimeout(this.timer);
    const again = this.state.wasOpen;
    const url = routeUrl("stream", { query: this.query, batch: 1, ...(again ? {} : { tail: HISTORY }) });
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.socket = socket;
    let opened = false;
    socket.onmessage = (event: MessageEvent<string>) => {
      if (this.socket !== socket) return;
      const frame = JSON.parse(event.data) as Frame;
      if (frame.type === "connected") {
        opened = true;
        if (again) this.listener.onGap();
        this.happen({ type: "opened" });
      } else this.receive(frame);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      void this.closed(event, opened);
    };
  }

  private receive(frame: Frame): void {
    switch (frame.type) {
      case "log":
      case "logs": {
        const entries = Array.isArray(frame.data) ? frame.data : frame.data ? [frame.data] : [];
        this.deliver(entries);
        break;
      }
      case "dropped":
        this.happen({ type: "lost", count: frame.count ?? 1, atLeast: frame.atLeast === true });
        break;
      case "filter_updated":
        this.listener.onFilter();
        break;
      case "error":
        this.listener.onError({ ...frame, error: frame.error ?? frame.message ?? "the server refused a message" });
        break;
    }
  }

  private deliver(entries: Entry[]): void {
    for (const { timestamp } of entries) if (timestamp > this.newest) this.newest = timestamp;
    if (entries.length) this.listener.onEntries(entries);
  }

  private async closed(event: CloseEvent, opened: boolean): Promise<void> {
    this.happen({ type: "closed", code: event.code, reason: event.reason, jitter: Math.random() });
    if (this.state.phase !== "reconnecting") return;
    this.timer = window.setTimeout(() => this.retry(), this.state.retryIn);
    if (opened) return;
    // A browser does not tell why a handshake failed; a request for the same query does.
    const { failures } = this.state;
    try {
      await this.api.query({ query: this.query, limit: 1 });
      if (failures < BLOCKED_AFTER || this.socket || this.state.phase !== "reconnecting") return;
      clearTimeout(this.timer);
      this.happen({ type: "blocked" });
      void this.poll();
    } catch (error) {
      const refusal = asRefusal(error);
      if (refusal.status < 400 || refusal.status >= 500 || refusal.status === 429) return;
      this.close();
      this.happen({ type: "refused", reason: refusal.message });
      this.listener.onError(refusal.answer);
    }
  }

  private async poll(): Promise<void> {
    if (this.state.phase !== "polling") return;
    try {
      const start = this.newest || new Date(Date.now() - 60_000).toISOString();
      const request = { query: this.query, start, limit: POLL_LIMIT, direction: "forward" } as const;
      let answer = await this.api.entries(request);
      this.deliver(answer.logs);
      while (answer.next && this.state.phase === "polling") {
        answer = await this.api.entries({ ...request, cursor: answer.next });
        this.deliver(answer.logs);
      }
    } catch {
      // The next poll tells; what failed shows in the rate and in the page's health.
    }
    if (this.state.phase === "polling") this.timer = window.setTimeout(() => void this.poll(), POLL_EVERY);
  }
}
