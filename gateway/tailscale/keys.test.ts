import { describe, expect, it } from 'vitest'
import type { ClawError } from '../../workers/contract/errors.ts'
import type { DeviceId, EpochMs } from '../../workers/contract/ids.ts'
import { devicesOf } from '../store/devices.ts'
import { scratch } from '../store/scratch.fixture.ts'
import { keysOf } from '../store/tailnet-keys.ts'
import { nodesOf } from '../store/tailnet-nodes.ts'
import { removalsOf } from '../store/tailnet-removals.ts'
import { tailscaleApi } from './api.ts'
import { type ApiServer, apiServer, type Seen } from './api-server.fixture.ts'
import { JoinKeys, type JoinKeysOptions } from './keys.ts'

const oauth = { clientId: 'kCLIENT', clientSecret: 'tskey-client-s3cr3t' }
const ghost = 'dev-ghost' as DeviceId

/** A database, an API that makes and deletes keys, and the subject; `broken` turns deletions away. */
const place = async (options: Partial<JoinKeysOptions> = {}) => {
  const state = { status: 200, now: 1_000_000_000_000, made: 0, hold: Promise.resolve() }
  const deleted: string[] = []
  const server = await apiServer(({ method, path }: Seen, response) => {
    if (path.endsWith('/token')) return undefined
    if (method === 'DELETE') {
      if (state.status < 300) deleted.push(path.replace('/api/v2/', ''))
      return { status: state.status, text: state.status < 300 ? '{}' : '{"message":"no"}' }
    }
    state.made += 1
    const json = JSON.stringify({ id: `k${state.made}`, key: `tskey-auth-${state.made}` })
    void state.hold.then(() => response.writeHead(200).end(json))
    return undefined
  })
  const store = scratch()
  const { database } = store
  const troubles: ClawError[] = []
  const now = () => state.now
  const open = () =>
    new JoinKeys({
      database,
      api: tailscaleApi({ apiUrl: server.url, oauth }),
      clientAuthkey: null,
      tags: ['tag:client'],
      onTrouble: (error) => troubles.push(error),
      now,
      retryMs: { first: 10, most: 40 },
      ...options,
    })
  const keys = open()
  const device = devicesOf(database).create({
    name: 'Ann’s laptop/1',
    profile: null,
    approvedBy: 'ops',
    transport: 'tailnet',
  }).id
  return {
    state,
    server,
    deleted,
    database,
    troubles,
    open,
    keys,
    device,
    records: keysOf(database, now),
    removals: removalsOf(database, now),
    nodes: nodesOf(database, now),
    [Symbol.asyncDispose]: async () => {
      await keys[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
const request = (device: DeviceId, wholeMachine = false) => ({ device, name: 'Ann’s laptop/1', wholeMachine })
const bodyOf = (server: ApiServer, index: number) => JSON.parse(server.seen[index]?.body ?? '')
const failure = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no error',
    (error) => error,
  )

describe('JoinKeys', () => {
  it('makes reusable keys of ephemeral nodes for runs, and single-use keys for whole machines', async () => {
    await using at = await place()
    expect(await at.keys.mint(request(at.device))).toMatchObject({ key: 'tskey-auth-1', isRevocable: true })
    await at.keys.mint(request(at.device, true))
    expect(bodyOf(at.server, 0)).toEqual({
      capabilities: {
        devices: { create: { reusable: true, ephemeral: true, preauthorized: true, tags: ['tag:client'] } },
      },
      expirySeconds: 7_776_000,
      description: 'clawpatrol Ann s laptop 1',
    })
    expect(bodyOf(at.server, 1)).toMatchObject({
      capabilities: {
        devices: { create: { reusable: false, ephemeral: false, preauthorized: true, tags: ['tag:client'] } },
      },
      expirySeconds: 600,
    })
    expect(at.records.listOf(at.device)).toMatchObject([
      {
        id: 'k1',
        deviceName: 'Ann’s laptop/1',
        reusable: true,
        ephemeral: true,
        createdAt: at.state.now,
        revokeAt: null,
      },
      { id: 'k2', reusable: false, ephemeral: false, revokeAt: null, revokedAt: null },
    ])
  })

  it('describes a key in at most 50 harmless characters, whatever the device is called', async () => {
    await using at = await place()
    for (const name of ['', '☃', `${'long-name '.repeat(9)}`]) await at.keys.mint({ ...request(at.device), name })
    const told = at.server.seen.map((_, index) => bodyOf(at.server, index).description)
    expect(told).toEqual(['clawpatrol', 'clawpatrol', 'clawpatrol long-name long-name long-name long-name'])
    for (const each of told) expect(each).toMatch(/^[A-Za-z0-9 -]{1,50}$/)
  })

  it('says what is missing where there is neither an OAuth client nor a key for all', async () => {
    await using at = await place({ api: null })
    const missing = {
      code: 'CP_ONBOARD',
      message: 'tailscale oauth not configured (set tailscale.oauth_client_id/oauth_client_secret)',
    }
    expect(await failure(at.keys.mint(request(at.device)))).toMatchObject(missing)
    expect(await failure(at.keys.rotate(request(at.device)))).toMatchObject(missing)
  })

  it('hands out the one key for all as one that cannot be revoked, and only without an OAuth client', async () => {
    await using at = await place({ api: null, clientAuthkey: 'tskey-auth-all' })
    const all = { key: 'tskey-auth-all', expiresAt: null, isRevocable: false }
    expect(await at.keys.mint(request(at.device))).toEqual(all)
    expect(await at.keys.rotate(request(at.device))).toEqual(all)
    expect(at.records.listOf(at.device)).toEqual([])
    await using other = await place({ clientAuthkey: 'tskey-auth-all' })
    expect(await other.keys.mint(request(other.device))).toMatchObject({ key: 'tskey-auth-1', isRevocable: true })
  })

  it('gives nobody a key that cannot be put on record', async () => {
    await using at = await place()
    at.database.sqlite.exec("CREATE TRIGGER full BEFORE INSERT ON tailnet_keys BEGIN SELECT raise(FAIL, 'full'); END")
    expect(await failure(at.keys.mint(request(at.device)))).toMatchObject({ message: expect.stringContaining('full') })
    expect(at.deleted).toEqual(['tailnet/-/keys/k1'])
  })

  it('revokes all keys and nodes of a device, and nothing of another', async () => {
    await using at = await place()
    const other = devicesOf(at.database).create({
      name: 'other',
      profile: null,
      approvedBy: 'ops',
      transport: 'tailnet',
    }).id
    await at.keys.mint(request(at.device))
    await at.keys.mint(request(at.device))
    await at.keys.mint(request(other))
    const node = { address4: '100.64.0.9', address6: null, ephemeral: true, run: null }
    at.nodes.bind({ ...node, stableId: 'n1', device: at.device })
    at.nodes.bind({ ...node, stableId: 'n2', device: other })
    const done = at.keys.revoke(at.device)
    // marked already: the device may go before the API has answered
    devicesOf(at.database).remove(at.device)
    expect(at.nodes.get('n1')).toBeNull()
    await done
    expect(at.deleted).toEqual(['tailnet/-/keys/k1', 'tailnet/-/keys/k2', 'device/n1'])
    expect(at.records.listOf(at.device).map(({ revokedAt }) => revokedAt)).toEqual([at.state.now, at.state.now])
    expect(at.records.listOf(other)).toMatchObject([{ revokeAt: null }])
    expect(at.removals.list()).toEqual([])
    expect(at.nodes.get('n2')).not.toBeNull()
  })

  it('takes what is gone already for revoked', async () => {
    await using at = await place()
    await at.keys.mint(request(at.device))
    at.nodes.bind({
      stableId: 'n1',
      device: at.device,
      address4: '100.64.0.9',
      address6: null,
      ephemeral: false,
      run: null,
    })
    at.state.status = 404
    await at.keys.revoke(at.device)
    expect(at.records.listOf(at.device)).toMatchObject([{ revokedAt: at.state.now, revokeError: null }])
    expect(at.removals.list()).toEqual([])
    expect(at.troubles).toEqual([])
  })

  it('keeps what failed on record with its reason, and tries again until it is done', async () => {
    await using at = await place()
    await at.keys.mint(request(at.device))
    at.nodes.bind({
      stableId: 'n1',
      device: at.device,
      address4: '100.64.0.9',
      address6: null,
      ephemeral: false,
      run: null,
    })
    at.state.status = 500
    await at.keys.revoke(at.device)
    expect(at.records.listOf(at.device)).toMatchObject([
      { revokedAt: null, revokeError: 'tailscale key 500: {"message":"no"}' },
    ])
    expect(at.removals.list()).toMatchObject([{ stableId: 'n1', error: 'tailscale device 500: {"message":"no"}' }])
    expect(at.troubles[0]).toMatchObject({ message: 'tailscale device 500: {"message":"no"}' })
    at.state.status = 200
    await at.server.until(({ path }) => path.includes('/device/') && at.deleted.includes('device/n1'))
    await at.keys.revoke(ghost)
    expect(at.records.listOf(at.device)).toMatchObject([{ revokedAt: at.state.now, revokeError: null }])
    expect(at.removals.list()).toEqual([])
  })

  it('takes up after a restart what an earlier gateway could not revoke', async () => {
    await using at = await place({ retryMs: { first: 3_600_000, most: 3_600_000 } })
    await at.keys.mint(request(at.device))
    at.state.status = 503
    await at.keys.revoke(at.device)
    await at.keys[Symbol.asyncDispose]()
    at.state.status = 200
    await using again = at.open()
    again.start()
    await at.server.until(() => at.deleted.includes('tailnet/-/keys/k1'))
    await again.revoke(ghost)
    expect(at.records.listOf(at.device)).toMatchObject([{ revokedAt: at.state.now }])
  })

  it('asks a host that does not answer once, not once for each key', async () => {
    await using at = await place({ retryMs: { first: 3_600_000, most: 3_600_000 } })
    for (let number = 0; number < 3; number += 1) await at.keys.mint(request(at.device))
    await at.server[Symbol.asyncDispose]()
    await at.keys.revoke(at.device)
    const errors = at.records.listOf(at.device).map(({ revokeError }) => revokeError)
    expect(errors).toEqual([expect.stringContaining('cannot reach'), null, null])
    expect(at.troubles).toHaveLength(1)
  })

  it('leaves a node alone that was bound to a device again', async () => {
    await using at = await place({ retryMs: { first: 3_600_000, most: 3_600_000 } })
    const node = {
      stableId: 'n1',
      device: at.device,
      address4: '100.64.0.9',
      address6: null,
      ephemeral: false,
      run: null,
    }
    at.nodes.bind(node)
    at.state.status = 500
    await at.keys.revoke(at.device)
    at.nodes.bind(node)
    at.state.status = 200
    await at.keys.revoke(ghost)
    expect(at.deleted).toEqual([])
    expect(at.nodes.get('n1')).not.toBeNull()
  })

  it('removes one node', async () => {
    await using at = await place()
    at.nodes.bind({
      stableId: 'n1',
      device: at.device,
      address4: '100.64.0.9',
      address6: null,
      ephemeral: true,
      run: 'r1',
    })
    await at.keys.removeNode('n1')
    await at.keys.removeNode('n-unknown')
    expect(at.deleted).toEqual(['device/n1'])
    expect(at.nodes.get('n1')).toBeNull()
  })

  it('says that nodes and keys stay where there is no OAuth client any more', async () => {
    await using at = await place({ api: null, clientAuthkey: 'tskey-auth-all' })
    at.nodes.bind({
      stableId: 'n1',
      device: at.device,
      address4: '100.64.0.9',
      address6: null,
      ephemeral: false,
      run: null,
    })
    await at.keys.revoke(at.device)
    expect(at.removals.list()).toMatchObject([{ stableId: 'n1', error: expect.stringContaining('in the console') }])
    expect(at.troubles).toHaveLength(1)
  })

  it('gives no key to a device that is removed meanwhile, and revokes it', async () => {
    await using at = await place()
    let answer = () => {}
    at.state.hold = new Promise((resolve) => {
      answer = resolve
    })
    const minting = failure(at.keys.mint(request(at.device)))
    await at.server.until(({ method }) => method === 'POST')
    await at.keys.revoke(at.device)
    answer()
    expect(await minting).toMatchObject({ code: 'CP_ONBOARD', message: expect.stringContaining('removed meanwhile') })
    expect(at.deleted).toEqual(['tailnet/-/keys/k1'])
  })

  it('lets the key before a new one end an hour later', async () => {
    await using at = await place()
    await at.keys.mint(request(at.device))
    expect(await at.keys.rotate(request(at.device))).toMatchObject({ key: 'tskey-auth-2', isRevocable: true })
    const hour = 3_600_000
    expect(at.records.listOf(at.device).map(({ revokeAt }) => revokeAt)).toEqual([at.state.now + hour, null])
    at.state.now += 60_000
    await at.keys.rotate(request(at.device))
    expect(at.records.listOf(at.device).map(({ revokeAt }) => revokeAt)).toEqual([
      at.state.now - 60_000 + hour,
      at.state.now + hour,
      null,
    ])
    expect(at.deleted).toEqual([])
    at.state.now += hour - 60_000
    await at.keys.revoke(ghost)
    expect(at.deleted).toEqual(['tailnet/-/keys/k1'])
  })

  it('forgets keys that have been worthless for a month', async () => {
    await using at = await place()
    const key = { device: at.device, deviceName: 'x', ephemeral: true, reusable: true }
    at.records.add({ ...key, id: 'old', expiresAt: (at.state.now - 31 * 86_400_000) as EpochMs })
    at.records.add({ ...key, id: 'new', expiresAt: (at.state.now - 29 * 86_400_000) as EpochMs })
    at.keys.start()
    expect(at.records.listOf(at.device).map(({ id }) => id)).toEqual(['new'])
  })

  it('goes on after the database could not be written, and says so', async () => {
    await using at = await place()
    await at.keys.mint(request(at.device))
    const { sqlite } = at.database
    sqlite.exec(
      "CREATE TRIGGER full BEFORE UPDATE ON tailnet_keys WHEN new.revoked_at BEGIN SELECT raise(FAIL, 'x'); END",
    )
    await at.keys.revoke(at.device)
    expect(at.troubles).toMatchObject([{ code: 'CP_INTERNAL' }])
    sqlite.exec('DROP TRIGGER full')
    at.state.status = 404
    await at.server.until(({ path }) => path.includes('/keys/') && at.server.seen.length > 2)
    await at.keys.revoke(ghost)
    expect(at.records.listOf(at.device)).toMatchObject([{ revokedAt: at.state.now, revokeError: null }])
    sqlite.exec("CREATE TRIGGER shut BEFORE UPDATE ON tailnet_keys BEGIN SELECT raise(FAIL, 'shut'); END")
    await at.keys.mint(request(at.device))
    expect(() => at.keys.revoke(at.device)).toThrow('shut')
  })

  it('stops at once, also while the API does not answer', async () => {
    await using at = await place()
    at.state.hold = new Promise(() => {})
    const minting = failure(at.keys.mint(request(at.device)))
    await at.server.until(({ method }) => method === 'POST')
    await at.keys[Symbol.asyncDispose]()
    expect(await minting).toMatchObject({ code: 'CP_CANCELLED' })
  })
})
