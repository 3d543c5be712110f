import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type ClickHouseServer,
  clickHousePassword,
  clickHousePrograms,
  startClickHouse,
} from '../../../../test/support/clickhouse-server.ts'
import { aCredential, aRule } from '../../../upstream/serving.fixture.ts'
import { ByteSink } from '../../../wire/clickhouse/byte-sink.ts'
import { clientHello } from '../../../wire/clickhouse/hello.ts'
import { startGateway } from './gateway.fixture.ts'

const program = clickHousePrograms('statements hidden in data')
const revision = 54412

/** A Query, with settings as they come. */
function query(text: string, settings: Buffer = Buffer.alloc(0)): Buffer {
  const info = new ByteSink().byte(1).text('').text('').text('0.0.0.0:0').byte(1).text('').text('').text('test')
  info.varint(1).varint(1).varint(revision).text('').varint(0)
  return new ByteSink()
    .varint(1)
    .text('')
    .raw(info.whole())
    .raw(settings)
    .text('')
    .varint(2)
    .varint(0)
    .text(text)
    .whole()
}

/** A Data packet for a temporary table of one column. */
function data(rows: number, type: string, values: Buffer, table = 'e'): Buffer {
  const sink = new ByteSink().varint(2).text(table).varint(1).byte(0).varint(2).int32(-1).varint(0)
  return sink.varint(1).varint(rows).text('x').text(type).raw(values).whole()
}

const noMore = new ByteSink().varint(2).text('').varint(0).varint(0).varint(0).whole()
const hidden = Buffer.concat([query('drop table t'), noMore])
const padded = Buffer.concat([hidden, Buffer.alloc(8 - (hidden.length % 8))])

/**
 * A block that nobody expects: its table's name is as long as the code of a Query, and says how long the query's id is:
 * as long as what comes before the value.
 * @param framesBytes what the gateway's frames add to that
 */
function unexpected(framesBytes: number): Buffer {
  const rest = hidden.subarray(2)
  const value = new ByteSink().text(rest).whole()
  const before = data(1, 'String', value).length - 3 - rest.length
  return data(1, 'String', value, String.fromCharCode(before + framesBytes))
}

const fails = Buffer.concat([query('insert into nowhere values'), noMore])
const failsBefore = Buffer.concat([query('select 1'), data(1, 'Time64(3)', Buffer.alloc(8))])

/** What a server of this age fails at, in the middle of what a newer one would take, or before it. */
const attacks = (framesBytes: number): readonly (readonly [string, Buffer])[] => [
  [
    'values of a type it does not have',
    Buffer.concat([query('select 1'), data(padded.length / 8, 'Time64(3)', padded)]),
  ],
  ['more rows than it has memory for', Buffer.concat([query('select 1'), data(2 ** 39, 'UInt64', hidden)])],
  ['a block after a statement that failed', Buffer.concat([fails, unexpected(framesBytes)])],
  ['a block after one that failed', Buffer.concat([failsBefore, unexpected(framesBytes)])],
  ['a setting it does not take', query('select 1', new ByteSink().text('totals_mode').text('no').raw(hidden).whole())],
]

describe.skipIf(program === null)('a statement hidden in what a server fails at', () => {
  let server: ClickHouseServer

  beforeAll(async () => {
    server = await startClickHouse(program ?? '')
  })
  afterAll(() => server?.[Symbol.asyncDispose]())
  beforeEach(() => {
    server.query('DROP TABLE IF EXISTS t')
    server.query('CREATE TABLE t (a UInt32) ENGINE = Memory')
  })

  it.each(attacks(0))('is run without a gateway: %s', async (_, bytes) => {
    await attack(server.ports.native, bytes)
    expect(server.query('EXISTS TABLE t')).toBe('0\n')
  })

  it.each(attacks(53))('is not run through the gateway: %s', async (_, bytes) => {
    const gateway = await startGateway({
      serverPort: server.ports.native,
      rules: [aRule('no-drop', "'drop' in sql.verbs", 'nothing is dropped here')],
      credentials: [aCredential('app', 'clickhouse_credential', { settings: { user: 'app' } })],
      secrets: { app: { '': clickHousePassword } },
    })
    await attack(gateway.port, bytes)
    await gateway[Symbol.asyncDispose]()
    expect(server.query('EXISTS TABLE t')).toBe('1\n')
  })
})

/** Logs in, sends these bytes and nothing more, and waits for the end of the connection. */
async function attack(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  socket.write(
    clientHello({
      name: 'test',
      major: 1,
      minor: 1,
      revision,
      database: '',
      user: Buffer.from('app'),
      password: Buffer.from(clickHousePassword),
    }),
  )
  await once(socket, 'data')
  socket.resume()
  socket.end(bytes)
  await closed
}
