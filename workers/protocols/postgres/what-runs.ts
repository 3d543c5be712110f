/** What a function runs beyond its own code. */
export type Running =
  /** SQL texts: the indexes of its arguments that hold them, given how many arguments there are besides flags. */
  | { readonly runs: 'text'; readonly texts: (count: number) => readonly number[] }
  /** A query over the whole relation its first argument names. */
  | { readonly runs: 'relation' }
  /** Something its arguments do not spell out. */
  | { readonly runs: 'anything' }

/** Functions of PostgreSQL and its contributed extensions that run SQL text given to them. */
const running: { readonly [name: string]: Running } = {
  query_to_xml: at(0),
  query_to_xmlschema: at(0),
  query_to_xml_and_xmlschema: at(0),
  table_to_xml: { runs: 'relation' },
  table_to_xmlschema: { runs: 'relation' },
  table_to_xml_and_xmlschema: { runs: 'relation' },
  schema_to_xml: { runs: 'anything' },
  schema_to_xmlschema: { runs: 'anything' },
  schema_to_xml_and_xmlschema: { runs: 'anything' },
  database_to_xml: { runs: 'anything' },
  database_to_xmlschema: { runs: 'anything' },
  database_to_xml_and_xmlschema: { runs: 'anything' },
  ts_stat: at(0),
  // with three arguments it rewrites without a query
  ts_rewrite: { runs: 'text', texts: (count) => (count === 2 ? [1] : []) },
  crosstab: { runs: 'text', texts: (count) => (count === 2 ? [0, 1] : [0]) },
  crosstab2: at(0),
  crosstab3: at(0),
  crosstab4: at(0),
  connectby: { runs: 'anything' },
  xpath_table: { runs: 'anything' },
  dblink: last(),
  dblink_exec: last(),
  dblink_open: last(),
  dblink_send_query: last(),
  dblink_build_sql_insert: { runs: 'anything' },
  dblink_build_sql_update: { runs: 'anything' },
  dblink_build_sql_delete: { runs: 'anything' },
}

/** What the function of that name runs, in whatever schema; null: nothing known. */
export function whatRuns(name: string): Running | null {
  return Object.hasOwn(running, name) ? (running[name] ?? null) : null
}

function at(index: number): Running {
  return { runs: 'text', texts: () => [index] }
}

function last(): Running {
  return { runs: 'text', texts: (count) => [Math.max(0, count - 1)] }
}
