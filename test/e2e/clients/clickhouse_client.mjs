// @clickhouse/client as an agent would use it: one line for each thing it did.
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'

const [, , url] = process.argv
const client = createClient({
  url,
  username: 'agent',
  password: 'nothing',
  compression: { request: true, response: true },
  log: { level: ClickHouseLogLevel.OFF },
})
const say = (what, value) => process.stdout.write(`${what} ${JSON.stringify(value)}\n`)

async function denied(what, run) {
  try {
    say(what, await run())
  } catch (error) {
    say(what, {
      code: error.code,
      type: error.type,
      isOurs: error.message.includes('clawpatrol denied this statement'),
    })
  }
}

const rows = await client.query({ query: 'SELECT number AS n FROM system.numbers LIMIT 3', format: 'JSONEachRow' })
say('rows', await rows.json())
await client.insert({
  table: 'events',
  values: Array.from({ length: 20_000 }, (_, at) => ({ at, what: `event ${at}` })),
  format: 'JSONEachRow',
})
const count = await client.query({ query: 'SELECT toInt32(count()) AS n FROM events', format: 'JSONEachRow' })
say('inserted', await count.json())
await denied('denied', () => client.query({ query: 'SELECT * FROM hr.salaries' }))
await denied('denied command', () => client.command({ query: 'DROP TABLE events' }))
await denied('denied insert', () =>
  client.insert({ table: 'hr.salaries', values: [{ name: 'eve' }], format: 'JSONEachRow' }),
)
await denied('failed', () => client.query({ query: 'SELECT nope FROM events' }))
const again = await client.query({ query: 'SELECT 1 AS n', format: 'JSONEachRow' })
say('after', await again.json())
await client.close()
