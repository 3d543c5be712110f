import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identityFiles } from '../../onboard/client/identity.ts'
import { expectOk } from '../support/device.ts'
import { controlBuildMs } from './control.ts'
import { type GatewayLab, type Member, startGatewayLab } from './gateway-lab.ts'

const dayMs = 24 * 3_600_000

describe('the join key of a machine', () => {
  let lab: GatewayLab
  let laptop: Member

  beforeAll(async () => {
    lab = await startGatewayLab({ machines: ['laptop'] })
    laptop = await lab.member('laptop')
  }, controlBuildMs)
  afterAll(() => lab?.[Symbol.asyncDispose]())

  const keyFile = () => join(laptop.env.CLAWPATROL_DIR ?? '', identityFiles.authKey)
  const key = () => readFileSync(keyFile(), 'utf8').trim()
  const run = async () => expectOk(await laptop.run(['true']))
  /** All keys of the device end then, as far as the gateway knows. */
  const endAt = (expiresAt: number) => {
    const database = new BetterSqlite(join(lab.dir, 'state', 'clawpatrol.db'))
    database.prepare('UPDATE tailnet_keys SET expires_at = ?').run(expiresAt)
    database.close()
  }

  it('stays the same while it has long to go, and is exchanged by a run once it has not', async () => {
    const first = key()
    await run()
    expect(key()).toBe(first)
    endAt(Date.now() + 13 * dayMs)
    await run()
    const second = key()
    expect([second.startsWith('tskey-'), second === first]).toEqual([true, false])
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600)
    // the new one lets runs in, and is not exchanged again
    await run()
    expect(key()).toBe(second)
  }, 120_000)
})
