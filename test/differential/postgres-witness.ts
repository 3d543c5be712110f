import type { Client } from 'pg'

/** What a text really did, as the server itself saw it. */
export interface Witnessed {
  /** null: it ran; else why the server refused it. */
  readonly refused: string | null
  /** Tables read or written, without their schema. */
  readonly touched: readonly string[]
  /** Tables, sequences and views written, created, changed or dropped. */
  readonly written: readonly string[]
  /** Whether it changed anything that is stored, or locked a row to do so. */
  readonly changed: boolean
  /** Whether it acts as somebody else now. */
  readonly isSomebodyElse: boolean
}

/** What the server knows before and after, of this very transaction. */
interface View {
  readonly names: { readonly [oid: string]: string }
  readonly locked: readonly string[]
  readonly altered: readonly string[]
  readonly tuples: { readonly [name: string]: number }
  readonly sequences: { readonly [name: string]: string }
  readonly xid: string | null
  readonly who: string
}

const look = `
  select json_build_object(
    'names', (select json_object_agg(c.oid, relname) from pg_class c where relkind in ('r','p','v','m','S') and c.oid >= 16384),
    'locked', coalesce((select json_agg(distinct l.relation::text) from pg_locks l
        where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.relation >= 16384
        and not exists (select from pg_class s where s.oid = l.relation and s.relkind = 'S')), '[]'),
    'altered', coalesce((select json_agg(relname) from pg_class where oid >= 16384 and relkind in ('r','p','v','m','S')
        and pg_current_xact_id_if_assigned() is not null and pg_xact_status(xmin::text::xid8) = 'in progress'), '[]'),
    'tuples', (select coalesce(json_object_agg(relname, n_tup_ins + n_tup_upd + n_tup_del), '{}') from pg_stat_xact_user_tables),
    'sequences', (select coalesce(json_object_agg(relname, coalesce(pg_sequence_last_value(oid)::text, '')), '{}')
        from pg_class where relkind = 'S'),
    'xid', pg_current_xact_id_if_assigned()::text,
    'who', current_user || '/' || session_user) as view`

/** Runs a text in a transaction of its own, looks at what came of it, and takes it back. */
export async function witness(client: Client, text: string): Promise<Witnessed> {
  await client.query('begin')
  try {
    const before = await view(client)
    const refused = await attempt(client, text)
    if (refused !== null) return { refused, touched: [], written: [], changed: false, isSomebodyElse: false }
    const after = await view(client)
    return compare(before, after)
  } finally {
    await client.query('rollback')
    await client.query('discard all')
  }
}

async function attempt(client: Client, text: string): Promise<string | null> {
  try {
    await client.query(text)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function view(client: Client): Promise<View> {
  const found = await client.query<{ view: View }>(look)
  const row = found.rows[0]
  if (row === undefined) throw new Error('the server shows nothing')
  return row.view
}

function compare(before: View, after: View): Witnessed {
  const nameOf = (oid: string) => after.names[oid] ?? before.names[oid]
  const named = (oids: readonly (string | undefined)[]) => oids.filter((name) => name !== undefined)
  const gone = Object.keys(before.names).filter((oid) => after.names[oid] === undefined)
  const written = new Set(named([...gone.map(nameOf), ...after.altered]))
  for (const [name, count] of Object.entries(after.tuples)) {
    if (count > (before.tuples[name] ?? 0)) written.add(name)
  }
  for (const [name, value] of Object.entries(after.sequences)) {
    if (before.sequences[name] !== undefined && before.sequences[name] !== value) written.add(name)
  }
  const touched = new Set(named(after.locked.map(nameOf)))
  return {
    refused: null,
    touched: [...touched].sort(),
    written: [...written].sort(),
    changed: written.size > 0 || (after.xid !== null && before.xid === null),
    isSomebodyElse: before.who !== after.who,
  }
}
