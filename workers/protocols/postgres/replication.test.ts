import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { replicationCommand, replicationMode } from './replication.ts'
import { postgres } from './runtime.ts'
import { type PostgresServer, postgresPrograms, startServer } from './server.fixture.ts'
import { aRule, type Gateway, psql, startGateway } from './session.fixture.ts'
import { loadAnalyser } from './statement.ts'

describe('replicationMode()', () => {
  it.each([
    [undefined, null],
    ['false', null],
    ['OFF', null],
    ['0', null],
    ['n', null],
    ['true', 'true'],
    ['On', 'true'],
    ['y', 'true'],
    ['1', 'true'],
    ['database', 'database'],
  ])('reads %j as the server does', (value, mode) => {
    expect(replicationMode(value, true)).toBe(mode)
    if (mode !== null) expect(replicationMode(value, false)).toMatchObject({ kind: 'refused', code: '0A000' })
  })

  it.each(['', 'o', 'what', 'Database', ' true', 'truely'])('refuses %j, which no server takes', (value) => {
    expect(replicationMode(value, true)).toMatchObject({ kind: 'refused', code: '22023' })
    expect(replicationMode(value, false)).toMatchObject({ kind: 'refused', code: '0A000' })
  })
})

describe('replicationCommand()', () => {
  it.each([
    ['IDENTIFY_SYSTEM', 'identify_system'],
    [' \n start_replication slot "x" logical 0/0 (a \'1\') ; ', 'start_replication'],
    ["BASE_BACKUP(LABEL 'x')", 'base_backup'],
  ])('knows %j', async (text, command) => {
    expect(replicationCommand(text)).toBe(command)
    const [statement, ...more] = (await loadAnalyser())(text)
    expect([statement?.facts.verb, more]).toEqual([command, []])
    const unknown = statement?.unknowns.map(({ path }) => path)
    expect(unknown).toEqual(expect.arrayContaining(['sql.verbs', 'sql.tables', 'sql.is_write']))
    expect(unknown).not.toContain('sql.verb')
  })

  it.each([
    'IDENTIFY_SYSTEMS',
    'identify_system$',
    'identify_systemé',
    '/* x */ IDENTIFY_SYSTEM',
    'START_REPLICATION 0/0; DROP TABLE t',
    'show wal_segment_size',
    'select 1',
    '',
  ])('does not take %j for one', (text) => {
    expect(replicationCommand(text)).toBe(null)
  })
})

const programs = postgresPrograms('replication through the gateway')

describe.skipIf(programs === null)('replication through the gateway', () => {
  let server: PostgresServer
  let gateway: Gateway
  let folder: string

  beforeAll(async () => {
    if (programs === null) return
    server = await startServer(programs, {
      hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
      setup: 'CREATE ROLE agent LOGIN REPLICATION; CREATE TABLE t (a int PRIMARY KEY)',
      settings: ['wal_level=logical', 'max_wal_senders=4', 'max_replication_slots=4'],
    })
    folder = mkdtempSync(join(tmpdir(), 'clawpatrol-wal-'))
  })
  afterAll(() => {
    server?.[Symbol.dispose]()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    const rules = [
      'identify_system',
      'create_replication_slot',
      'start_replication',
      'base_backup',
      'read_replication_slot',
    ]
    gateway = await startGateway({
      serve: (session) => postgres.serve(session),
      settings: { host: 'db.test:5432', sslmode: 'disable', replication: true },
      serverPort: server.port,
      rules: [
        aRule('slots', `sql.verb in ${JSON.stringify(rules)} || sql.verb == 'show'`),
        aRule('no-drop', "sql.verb == 'drop_replication_slot'", 'slots stay'),
        aRule('search-path', "sql.functions == ['pg_catalog.set_config', 'set_config']"),
        aRule('nothing-else', 'true', 'only replication'),
      ],
    })
  })
  afterEach(async () => {
    await gateway.idle()
    await gateway[Symbol.asyncDispose]()
    expect(gateway.faults).toEqual([])
    expect(gateway.actions.filter(({ closing }) => closing === null)).toEqual([])
  })

  const agent = (program: string, ...words: string[]) =>
    promisify(execFile)(program, ['-h', '127.0.0.1', '-p', `${gateway.port}`, '-U', 'agent', '-w', ...words], {
      timeout: 20_000,
      cwd: folder,
    })
  const records = () => gateway.actions.map(({ seen, closing }) => [seen.record.verb, closing?.status])

  it('pg_receivewal gets the log, byte for byte', async () => {
    server.sql("select pg_create_physical_replication_slot('wal', true)")
    server.sql('insert into t select generate_series(1, 50000)')
    const end = server.sql('select pg_switch_wal()')
    await agent('pg_receivewal', '-D', folder, '--slot', 'wal', '--endpos', end, '--no-sync')
    const [segment = ''] = readdirSync(folder)
    const file = `pg_wal/${segment.replace('.partial', '')}`
    const got = readFileSync(join(folder, segment))
    expect(got.length).toBe(16 << 20)
    const whole = server.sql(`select encode(sha256(pg_read_binary_file('${file}')), 'hex')`)
    expect(createHash('sha256').update(got).digest('hex')).toBe(whole)
    expect(records()).toContainEqual(['start_replication', expect.stringMatching(/START_REPLICATION|START_STREAMING/)])
    const streamed = gateway.actions.find(({ seen }) => seen.title.startsWith('START_REPLICATION'))
    expect(streamed?.closing?.bytesDown).toBeGreaterThan(1 << 20)
    expect(streamed?.closing?.bytesUp).toBeGreaterThan(0)
  })

  it('pg_basebackup takes a backup, and the log beside it', async () => {
    const to = join(folder, 'backup')
    await agent('pg_basebackup', '-D', to, '-c', 'fast', '-X', 'stream', '--no-sync', '--no-slot')
    expect(readFileSync(join(to, 'PG_VERSION'), 'utf8')).toBe(`${server.sql('show server_version_num').slice(0, 2)}\n`)
    const backup = gateway.actions.find(({ seen }) => seen.title.startsWith('BASE_BACKUP'))
    expect(backup?.closing).toMatchObject({ status: 'BASE_BACKUP', error: null })
    expect(backup?.closing?.bytesDown).toBeGreaterThan(20 << 20)
    rmSync(to, { recursive: true })
  })

  it('pg_recvlogical makes a slot and streams its changes', async () => {
    await agent('pg_recvlogical', '-d', 'postgres', '--slot', 'changes', '--create-slot', '-P', 'test_decoding')
    server.sql('insert into t values (-1), (-2)')
    const end = server.sql('select pg_current_wal_lsn()')
    const { stdout } = await agent(
      ...(['pg_recvlogical', '-d', 'postgres', '--slot', 'changes', '--start', '--endpos', end, '-f', '-'] as const),
    )
    expect(stdout).toMatch(/table public\.t: INSERT: a\[integer\]:-1\n.*a\[integer\]:-2\n/)
    await expect(agent('pg_recvlogical', '-d', 'postgres', '--slot', 'changes', '--drop-slot')).rejects.toMatchObject({
      stderr: expect.stringContaining('slots stay'),
    })
    expect(records().filter(([, status]) => status === 'denied')).toHaveLength(1)
  })

  it('denies by the command, and the connection goes on', async () => {
    const to = `host=127.0.0.1 port=${gateway.port} user=agent dbname=postgres replication=database sslmode=disable`
    const asked = ['DROP_REPLICATION_SLOT nothing', 'select 1', 'SHOW wal_level', 'START_REPLICATION 0/0; drop table t']
    const { stdout, stderr } = await psql(to, ...asked)
    expect(stdout).toBe('logical')
    expect(stderr.match(/ERROR: {2}clawpatrol denied this statement/g)).toHaveLength(3)
    expect(records().map(([verb]) => verb)).toEqual(['drop_replication_slot', 'select', 'show', ''])
  })

  it('ends a stream where the flow is cancelled', async () => {
    const end = 'FFFFFFFF/0'
    const running = agent('pg_receivewal', '-D', folder, '--endpos', end, '--no-sync', '--no-loop')
    const streaming = "select count(*) from pg_stat_replication where state = 'streaming'"
    while (server.sql(streaming) !== '1') await new Promise((resolve) => setImmediate(resolve))
    gateway.cancel()
    await expect(running).rejects.toMatchObject({ code: 1 })
    await gateway.idle()
    while (server.sql(streaming) !== '0') await new Promise((resolve) => setImmediate(resolve))
  })
})
