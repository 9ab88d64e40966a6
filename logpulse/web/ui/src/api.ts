// The server's answers, typed; its refusals as one kind of error.

import type {
  ContextAnswer,
  Entry,
  ErrorAnswer,
  FieldsAnswer,
  LogsAnswer,
  ParseAnswer,
  SeriesAnswer,
  Session,
  ValueCount,
  VolumeAnswer,
} from "./types";

/** A request that brought no answer: `status` 0 where the server could not be reached. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly answer: ErrorAnswer,
    /** Seconds after which the server wants to be asked again. */
    readonly retryAfter: number | null,
  ) {
    super(answer.error);
  }
}

/** What may be asked of a query, beside the text. */
export interface QueryRequest {
  query: string;
  start?: string | undefined;
  end?: string | undefined;
  limit?: number;
  direction?: "backward" | "forward";
  cursor?: string | undefined;
  level?: string | undefined;
}

/** What GET /health tells; all but `status` are absent without the key. */
export interface Health {
  status: "healthy" | "degraded" | "unhealthy";
  problems?: { code: string; message: string }[];
  ingestionRate?: number;
  ingestionBytesRate?: number;
  storageUsed?: number;
  chunksCount?: number;
  segmentsCount?: number;
  uptime?: number;
  version?: string;
  streamsCount?: number;
  headBytes?: number;
  lastFlush?: string | null;
  wal?: { bytes: number; sequence: number; sync: string };
  retentionDays?: number | null;
  oldestEntry?: string | null;
  diskFree?: number;
  diskTotal?: number;
  slowQueries?: { kind: string; query: string; seconds: number; at: string }[];
}

/** Whether an answer is that of a metric query. */
export function isSeries(answer: LogsAnswer | SeriesAnswer): answer is SeriesAnswer {
  return "series" in answer;
}

/** The address of a route of the server, below the page's own, so that a prefix of a proxy stays. */
export function routeUrl(path: string, parameters: Readonly<Record<string, string | number | undefined>> = {}): URL {
  const url = new URL(path, new URL(".", document.baseURI));
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url;
}

/** The server's routes. `onUnauthorised` is called for each 401, after which the request is refused as others are. */
export class Api {
  private signIns = 0;

  constructor(private readonly onUnauthorised: () => void) {}

  query(request: QueryRequest, signal?: AbortSignal): Promise<LogsAnswer | SeriesAnswer> {
    return this.ask<LogsAnswer | SeriesAnswer>("query", { ...request }, signal);
  }

  /** As `query`, for texts that are log queries only. */
  async entries(request: QueryRequest, signal?: AbortSignal): Promise<LogsAnswer> {
    const answer = await this.query(request, signal);
    return isSeries(answer) ? { logs: [], next: null, stats: answer.stats } : answer;
  }

  volume(request: QueryRequest & { buckets: number }, signal?: AbortSignal): Promise<VolumeAnswer> {
    return this.ask<VolumeAnswer>("volume", { ...request }, signal);
  }

  fields(request: QueryRequest & { values?: number }, signal?: AbortSignal): Promise<FieldsAnswer> {
    return this.ask<FieldsAnswer>("fields", { ...request }, signal);
  }

  fieldValues(
    name: string,
    request: QueryRequest & { prefix?: string },
    signal?: AbortSignal,
  ): Promise<{ values: ValueCount[]; more: boolean }> {
    return this.ask(`fields/${encodeURIComponent(name)}/values`, { ...request }, signal);
  }

  labels(request: { start?: string | undefined; end?: string | undefined }, signal?: AbortSignal): Promise<string[]> {
    return this.ask<string[]>("labels", request, signal);
  }

  parse(query: string, signal?: AbortSignal): Promise<ParseAnswer> {
    return this.ask("parse", { query }, signal);
  }

  context(id: string, before: number, after: number, signal?: AbortSignal): Promise<ContextAnswer> {
    return this.ask<ContextAnswer>("context", { id, before, after }, signal);
  }

  /** The entry as it is stored, without what a query's pipeline made of it; null where it is gone. */
  async stored(id: string, signal?: AbortSignal): Promise<Entry | null> {
    const { entries } = await this.context(id, 0, 0, signal);
    return entries.find((entry) => entry.id === id) ?? null;
  }

  health(signal?: AbortSignal): Promise<Health> {
    return this.ask<Health>("health", {}, signal, [503]);
  }

  /** Whether a key is needed, and given. */
  session(): Promise<Session> {
    return this.ask<Session>("ui/session", {});
  }

  async signIn(key: string): Promise<void> {
    await this.send("POST", "ui/session", { key });
    this.signIns++;
  }

  async signOut(): Promise<void> {
    await this.send("DELETE", "ui/session");
  }

  private async ask<T>(
    path: string,
    parameters: Readonly<Record<string, string | number | undefined>>,
    signal?: AbortSignal,
    alsoFine: readonly number[] = [],
  ): Promise<T> {
    const url = routeUrl(path, parameters);
    // A long query does not fit into a request line; the same parameters then go as a form.
    const form = url.search.length > 6000;
    const { signIns } = this;
    const response = await reach(form ? routeUrl(path) : url, {
      ...(form ? { method: "POST", body: url.searchParams } : {}),
      headers: { Accept: "application/json" },
      signal: signal ?? null,
    });
    if (!response.ok && !alsoFine.includes(response.status)) throw await this.refusal(response, signIns);
    // The contract of the routes is the one place where a type is believed, not checked.
    return (await response.json()) as T;
  }

  private async send(method: string, path: string, body?: unknown): Promise<void> {
    const response = await reach(routeUrl(path), {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    if (!response.ok) throw await refusalOf(response);
  }

  private async refusal(response: Response, signIns: number): Promise<Refusal> {
    // What was asked before somebody signed in may be refused after that, which means nothing any more.
    if (response.status === 401 && signIns === this.signIns) this.onUnauthorised();
    return refusalOf(response);
  }
}

async function reach(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal(0, { error: "the server cannot be reached" }, null);
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  const after = Number(response.headers.get("Retry-After"));
  const text = await response.text();
  return new Refusal(response.status, errorOf(text, response), Number.isFinite(after) && after > 0 ? after : null);
}

function errorOf(text: string, response: Response): ErrorAnswer {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "error" in body && typeof body.error === "string") {
      return body as ErrorAnswer;
    }
  } catch {
    // Not JSON: a proxy's own page, of which the status says more.
  }
  return { error: `the server answered ${response.status} ${response.statusText}`.trim() };
}

/** Whether an error only says that nobody waits for the answer any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Any error as one that can be shown. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal(0, { error: error instanceof Error ? error.message : String(error) }, null);
}
