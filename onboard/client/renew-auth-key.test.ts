import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Ask, GatewayHttp, Reply } from './gateway-http.ts'
import { identityFiles, type TailnetMember } from './identity.ts'
import { renewAuthKey } from './renew-auth-key.ts'

const dayMs = 24 * 3_600_000
const path = '/api/peer/tsnet/rotate-key'

describe('renewAuthKey()', () => {
  let dir = ''
  let asked: Ask[] = []

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'clawpatrol-renew-'))
    asked = []
    writeFileSync(file(), 'tskey-auth-old\n', { mode: 0o600 })
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  const file = () => join(dir, identityFiles.authKey)
  const renew = (expiresAt: unknown, answer: Reply | (() => Reply)): Promise<void> => {
    const http: GatewayHttp = {
      ask: async (ask) => {
        asked.push(ask)
        return typeof answer === 'function' ? answer() : answer
      },
      close: () => undefined,
    }
    const member: TailnetMember = {
      dir,
      gateway: { url: 'https://gate.example', trust: 'system', ca: null },
      deviceId: 'd1',
      deviceName: 'laptop',
      token: 'cpt_x',
      caFingerprint: '',
      caFile: join(dir, identityFiles.ca),
      bundleFile: join(dir, identityFiles.bundle),
      ca: '',
      tailnet: {
        authKey: 'tskey-auth-old',
        controlUrl: '',
        gatewayIp: '100.64.0.1',
        gatewayUrl: 'http://100.64.0.1:8080',
      },
    }
    return renewAuthKey(member, http, { key_expires_at: expiresAt })
  }
  const brings = (authKey: unknown): Reply => ({
    status: 200,
    text: JSON.stringify({ auth_key: authKey, expires_at: Date.now() + 90 * dayMs }),
  })
  /** What the directory holds: nothing may be left beside the key. */
  const kept = () => [readdirSync(dir), readFileSync(file(), 'utf8')]
  const old = [[identityFiles.authKey], 'tskey-auth-old\n']

  it('exchanges a key with less than 14 days left, asking with the token of the device', async () => {
    await renew(Date.now() + 14 * dayMs - 1000, brings('tskey-auth-new'))
    expect(asked).toEqual([{ method: 'POST', path, token: 'cpt_x', timeoutMs: 10_000 }])
    expect(kept()).toEqual([[identityFiles.authKey], 'tskey-auth-new\n'])
  })

  it('exchanges a key that is worthless already', async () => {
    await renew(Date.now() - dayMs, brings('tskey-auth-new'))
    expect(kept()).toEqual([[identityFiles.authKey], 'tskey-auth-new\n'])
  })

  it('puts a whole new file in the place of the old one, for its owner alone', async () => {
    chmodSync(file(), 0o644)
    const before = statSync(file()).ino
    await renew(Date.now(), brings('tskey-auth-new'))
    const { ino, mode } = statSync(file())
    expect([ino === before, mode & 0o777]).toEqual([false, 0o600])
  })

  it.each([
    ['more than 14 days', Date.now() + 14 * dayMs + 60_000],
    ['an end that is not known', null],
    ['an end that is no number', '1'],
    ['no end', undefined],
  ])('asks for nothing with %s left', async (_what, expiresAt) => {
    await renew(expiresAt, brings('tskey-auth-new'))
    expect([asked, kept()]).toEqual([[], old])
  })

  it.each([
    ['a refusal', { status: 502, text: JSON.stringify({ auth_key: 'tskey-auth-new' }) }],
    ['an answer that is no JSON', { status: 200, text: 'tskey-auth-new' }],
    ['no key', { status: 200, text: '{}' }],
    ['an empty key', brings('')],
    ['a key with a line break in it', brings('tskey-auth-new\nx')],
    ['a key that is too long', brings('k'.repeat(513))],
    ['a key that is no text', brings(['tskey-auth-new'])],
  ])('keeps the old key after %s', async (_what, answer) => {
    await renew(Date.now(), answer)
    expect([asked.length, kept()]).toEqual([1, old])
  })

  it('keeps the old key when the gateway does not answer', async () => {
    const silent = () => {
      throw new ClawError('CP_ONBOARD', 'no answer')
    }
    await expect(renew(Date.now(), silent)).rejects.toThrow('no answer')
    expect(kept()).toEqual(old)
  })
})
