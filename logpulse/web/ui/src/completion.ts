// Where the editor's completion gets its words, from the richest route that the server has.

import { type Api, asRefusal } from "./api";
import type { CompletionSource } from "./slots";
import type { ValueCount } from "./types";

const VALUES = 200;

interface Range {
  start?: string | undefined;
  end?: string | undefined;
}

/** Words from the server; without the page's own routes those of /labels, without counts. */
export function source(api: Api, range: () => Range): CompletionSource {
  return {
    labels: (signal) => api.labels(range(), signal),
    values: async (label, prefix, signal) => {
      try {
        return await api.fieldValues(label, { query: "{}", ...range(), prefix, limit: VALUES }, signal);
      } catch (error) {
        if (asRefusal(error).status !== 404) throw error;
      }
      return plainValues(await api.labelValues(label, range(), signal), prefix);
    },
    fields: async (query, signal) => {
      const { fields } = await api.fields({ query, ...range(), limit: 1000, values: 1 }, signal);
      return fields.map(({ name }) => name);
    },
    parse: async (query, signal) => {
      const judged = await api.parse(query, signal);
      return judged.kind === null && judged.position ? judged : null;
    },
  };
}

function plainValues(all: readonly string[], prefix: string): { values: ValueCount[]; more: boolean } {
  const fitting = all.filter((value) => value.startsWith(prefix));
  return { values: fitting.slice(0, VALUES).map((value) => ({ value, count: 0 })), more: fitting.length > VALUES };
}
