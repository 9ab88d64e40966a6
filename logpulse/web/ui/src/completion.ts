// Where the editor's completion gets its words.

import type { Api } from "./api";
import type { CompletionSource } from "./slots";

const VALUES = 200;
const FIELDS = 1000;

interface Range {
  start?: string | undefined;
  end?: string | undefined;
}

/** Words from the server, of the range that is shown. */
export function source(api: Api, range: () => Range): CompletionSource {
  return {
    labels: (signal) => api.labels(range(), signal),
    values: (label, prefix, signal) =>
      api.fieldValues(label, { query: "{}", ...range(), prefix, limit: VALUES }, signal),
    fields: async (query, signal) => {
      const { fields } = await api.fields({ query, ...range(), limit: FIELDS, values: 1 }, signal);
      return fields.map(({ name }) => name);
    },
    parse: async (query, signal) => {
      const judged = await api.parse(query, signal);
      return judged.kind === null && judged.position ? judged : null;
    },
  };
}
