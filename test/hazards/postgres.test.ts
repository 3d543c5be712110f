import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DatabaseLab, role, startDatabaseLab } from '../support/database-lab.ts'
import { postgresPrograms } from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

const programs = postgresPrograms('hazards of PostgreSQL through the gateway')
const host = 'orders-db.example.test'
const pour = fileURLToPath(new URL('clients/pour.mjs', import.meta.url))

/** With CLAWPATROL_STRESS=full as much as a server takes in one go. */
const isFull = process.env.CLAWPATROL_STRESS === 'full'
const mebibytes = isFull ? { bind: 900, in: 1024, out: 1024 } : { bind: 256, in: 256, out: 256 }

/** What the gateway may grow by, bytes: buffers of two sockets, and garbage that waits to be collected. */
const mostGrown = 128 << 20

const policy = `
defaults {
  unknown_host = "deny"
}
endpoint "postgres" "orders" {
  host    = "${host}:5432"
  sslmode = "disable"
}
credential "postgres_credential" "app-role" {
  endpoint = postgres.orders
  user     = "${role.user}"
}
profile "default" {
  credentials = [postgres_credential.app-role]
}
`

/** Swallows every row. */
const swallower = `
create table poured (line text);
create function swallow() returns trigger language plpgsql as 'begin return null; end';
create trigger swallowing before insert on poured for each row execute function swallow();
grant insert on poured to ${role.user};
`

describe.skipIf(programs === null)('PostgreSQL through the gateway', () => {
  let databases: DatabaseLab

  beforeAll(async () => {
    databases = await startDatabaseLab(programs ?? '', () => policy)
    databases.orders.query(swallower)
    await databases.lab.run(['psql', '-XAtc', 'select 1', `host=${host} user=agent dbname=postgres`])
  }, 60_000)

  afterAll(async () => {
    await databases?.[Symbol.asyncDispose]()
  })

  const session = `host=${host} user=agent dbname=postgres`
  const gatewayBytes = () => {
    const status = readFileSync(`/proc/${databases.lab.gateway.child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
  }
  const backend = (query: string) =>
    Number(databases.orders.query(`select pid from pg_stat_activity where query like '${query}%' and state = 'active'`))

  /** What the gateway's memory grows by at most while something is done. */
  async function growth(doing: () => Promise<void>): Promise<number> {
    const before = gatewayBytes()
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, gatewayBytes())
    }, 10)
    try {
      await doing()
    } finally {
      clearInterval(watch)
    }
    return most - before
  }

  it.each([
    ['a parameter', 'bind', (size: number) => `took ${size << 20}\n`],
    ['COPY in', 'in', () => 'took COPY 0\0\n'],
    ['COPY out', 'out', (size: number) => `got ${size}\n`],
  ] as const)(
    'carries %s of many MiB in constant memory',
    async (_what, way, told) => {
      const size = mebibytes[way]
      const grown = await growth(async () => {
        const done = await databases.lab.run([process.execPath, pour, host, way, `${size}`])
        expect(done).toMatchObject({ code: 0, stderr: '', stdout: told(size) })
      })
      expect(grown).toBeLessThan(mostGrown)
    },
    180_000,
  )

  it('holds no result for an agent that reads it late', async () => {
    await using late = databases.lab.startRun([process.execPath, pour, host, 'late', '256'], null)
    const grown = await growth(async () => {
      await late.saw(/waiting/)
      const isHeldUp = "select count(*) from pg_stat_activity where wait_event = 'ClientWrite'"
      await until('the server is held up', () => databases.orders.query(isHeldUp) === '1\n')
    })
    expect(grown).toBeLessThan(mostGrown)
    late.child.stdin?.write('now\n')
    await late.saw(/got 256/)
    late.child.stdin?.end()
    expect(await late.finished).toMatchObject({ code: 0 })
  }, 60_000)

  it('records the briefest of flows, and takes none for a violation', async () => {
    const canceled = async () => (await databases.lab.records()).filter(({ title }) => title === 'CANCEL').length
    const before = await canceled()
    const done = await databases.lab.run([process.execPath, pour, host, 'cancel', '100'])
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: 'closed 100\n' })
    await until('all are recorded', async () => (await canceled()) === before + 100)
    expect(databases.lab.gateway.output()).not.toContain('violation')
  })

  it('an agent killed in the middle of COPY leaves nothing on the server', async () => {
    await using pouring = databases.lab.startRun([process.execPath, pour, host, 'die', '100000'], null)
    await until('it copies', () => backend('copy poured') > 0)
    pouring.child.stdin?.end('now\n')
    await until('the server has ended it', () => backend('copy poured') === 0)
    await until('it is recorded', async () => {
      const last = (await databases.lab.records('--endpoint', 'orders')).at(-1)
      return String(last?.title).startsWith('copy poured') && last?.status !== null && last?.status !== 'COPY 0'
    })
  })

  it('a server whose process is killed ends the session, and the next one works', async () => {
    await using asking = databases.lab.startRun(['psql', '-XAt', session, '-c', 'select pg_sleep(60)'], '')
    await until('it sleeps', () => backend('select pg_sleep(60)') > 0)
    process.kill(backend('select pg_sleep(60)'), 'SIGKILL')
    expect(await asking.finished).toMatchObject({ code: 2, stderr: expect.stringContaining('closed the connection') })
    await until('the server is back', async () => {
      return (await databases.lab.run(['psql', '-XAtc', 'select 1', session])).stdout === '1\n'
    })
  })
})
