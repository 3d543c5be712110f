// node-postgres, as an agent would use it: prints one line for each thing it tries.
import pg from 'pg'

const [, , host, port] = process.argv
const config = { host, port: Number(port), user: 'agent', database: 'postgres' }
const client = new pg.Client(config)
const say = (what, value) => process.stdout.write(`${what} ${JSON.stringify(value)}\n`)
const failure = ({ code, severity, message, detail, hint }) => ({
  code,
  severity,
  message,
  detail,
  hint: hint !== undefined,
})

/** Resolves when the statement that is to be cancelled is under way. */
async function isAsleep() {
  const watcher = new pg.Client(config)
  await watcher.connect()
  const sleeping = "select 1 from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'"
  while ((await watcher.query(sleeping)).rows.length === 0);
  await watcher.end()
}

client.on('error', (error) => say('lost', error.message))
await client.connect()
say(
  'simple',
  (await client.query('select 1 as one; select 2 as two')).map(({ rows }) => rows),
)
say('parameters', (await client.query('select $1::int + $2::int as sum', [20, 22])).rows)
const named = { name: 'by-id', text: 'select id from orders where id = $1' }
for (const id of [1, 2]) say('prepared', (await client.query({ ...named, values: [id] })).rows)
say('simple denial', await client.query('delete from orders').catch(failure))
say('extended denial', await client.query('delete from orders where id = $1', [1]).catch(failure))
await client.query('begin')
say('denial in a transaction', (await client.query('delete from orders').catch(failure)).code)
await client.query('rollback')
say('several in one', (await client.query('select 3; delete from orders; select 4').catch(failure)).code)
const query = new pg.Query('select pg_sleep(60)')
const slow = new Promise((resolve) => query.once('error', (error) => resolve(failure(error))))
client.query(query)
await isAsleep()
new pg.Client(config).cancel(client, query)
say('cancelled', (await slow).code)
say('after', (await client.query('select count(*)::int as n from orders')).rows)
await client.end()
