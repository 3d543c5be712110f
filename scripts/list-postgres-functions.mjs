// Writes workers/protocols/postgres/known-functions.ts: what a PostgreSQL server's own functions and those of its
// contributed extensions can do, as the server itself declares it. Run it against an empty database of a superuser:
//   PGHOST=… PGUSER=… node scripts/list-postgres-functions.mjs
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'

const extensions = [
  'citext',
  'cube',
  'earthdistance',
  'fuzzystrmatch',
  'hstore',
  'intarray',
  'isn',
  'ltree',
  'pg_trgm',
  'pgcrypto',
  'seg',
  'unaccent',
  'uuid-ossp',
]

// what only the server itself calls has arguments or results nobody can write
const callable = `
  not exists (select from unnest(p.proargtypes::oid[] || p.prorettype) t
    where t in ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype, 'language_handler'::regtype,
                'index_am_handler'::regtype, 'table_am_handler'::regtype, 'fdw_handler'::regtype, 'cstring'::regtype))`

function names(where) {
  const query = `select distinct proname from pg_proc p where ${callable} and ${where} order by 1`
  return ask(query).split('\n').filter(Boolean)
}

function ask(query) {
  const done = spawnSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', query], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(done.stderr)
  return done.stdout
}

for (const name of extensions) ask(`create extension if not exists "${name}" cascade`)
const own = `pronamespace = 'pg_catalog'::regnamespace`
const added = `exists (select from pg_depend d join pg_extension e on e.oid = d.refobjid
  where d.objid = p.oid and d.deptype = 'e' and e.extname <> 'plpgsql')`
const builtIn = names(`${own} and provolatile <> 'v'`)
const contributed = names(`${added} and provolatile <> 'v'`).filter((name) => !builtIn.includes(name))

writeFileSync(
  join(root, 'workers/protocols/postgres/known-functions.ts'),
  `// Written by scripts/list-postgres-functions.mjs from PostgreSQL ${ask('show server_version').split(' ')[0]}.

/** PostgreSQL's own functions that it declares stable or immutable. */
export const builtInFunctions = words(\`
${laidOut(builtIn)}\`)

/** The same of extensions that come with it. */
export const contributedFunctions = words(\`
${laidOut(contributed)}\`)

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\\s+/))
}
`,
)

function laidOut(list) {
  let text = ''
  let line = ''
  for (const name of list) {
    if (line.length + name.length > 117) {
      text += `${line}\n`
      line = ''
    }
    line += line === '' ? name : ` ${name}`
  }
  return `${text}${line}\n`
}
