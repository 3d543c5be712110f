import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { credentialNamed } from '../../workers/credentials/index.ts'
import { loadPolicy } from '../config/load-policy.ts'
import type { Policy } from '../config/policy.ts'
import { readFixtures } from '../replay/fixture-files.ts'
import { runFixtures } from '../replay/run.ts'
import { gatewayFile } from './gateway-file.ts'
import { type Pack, packNames, readPack } from './packs.ts'
import { starterFiles, writeStarter } from './write-starter.ts'

const examples = new URL('../../examples/', import.meta.url)
const packs = packNames.map(readPack)

describe('readPack()', () => {
  it('knows what of a pack this version can serve', () => {
    expect(packs.filter(({ isServed }) => isServed).map(({ name }) => name)).toContain('github')
    expect(readPack('llm').credentials).toEqual([
      'header_token.anthropic-key',
      'bearer_token.openai-key',
      'header_token.gemini-key',
    ])
  })

  it('refuses a name that is none, a path included', () => {
    expect(() => readPack('../docs')).toThrow('There is no pack "../docs"')
  })

  for (const pack of packs)
    it(`${pack.name}: names a secret of each credential that has one, by slots there are`, () => {
      for (const reference of pack.credentials) {
        const [type = '', name = ''] = reference.split('.')
        const slots = credentialNamed(type)?.slots ?? []
        const named = pack.secrets.filter((secret) => secret.split(':')[0] === name)
        expect(named.length > 0, reference).toBe(slots.length > 0)
        const known = new Set(slots.map((slot) => (slot.name === '' ? name : `${name}:${slot.name}`)))
        expect(named.filter((secret) => !known.has(secret))).toEqual([])
      }
    })

  for (const pack of packs)
    it(`${pack.name}: the gateway.hcl beside it is the one init writes`, () => {
      const found = readFileSync(new URL(`${pack.name}/gateway.hcl`, examples), 'utf8')
      expect(found).toBe(gatewayFile([pack], 'wireguard'))
    })
})

describe('writeStarter()', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-init-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const write = (chosen: readonly Pack[], transport: 'wireguard' | 'tailscale' = 'wireguard', replaces = false) =>
    writeStarter({ directory, packs: chosen, transport, replaces })

  for (const chosen of [...packs.map((pack) => [pack]), packs])
    it(`writes ${chosen.map(({ name }) => name).join(', ')}: nothing wrong with it, and its fixtures pass`, async () => {
      write(chosen)
      const { policy, problems } = await loadPolicy(directory)
      expect(problems).toEqual([])
      for (const { name, fixtures } of chosen) {
        const results = await runFixtures(policy as Policy, readFixtures(join(directory, 'fixtures', name)))
        expect(results.filter(({ kind }) => kind !== 'ok')).toEqual([])
        expect(results).toHaveLength(fixtures.size)
      }
    })

  it('writes a gateway of a tailnet without a warning', async () => {
    write(packs, 'tailscale')
    const { policy, problems } = await loadPolicy(directory)
    expect(problems).toEqual([])
    expect(policy?.gateway.tailscale).not.toBeNull()
  })

  it('denies what no endpoint claims and what no rule allows', async () => {
    write(packs)
    const { policy } = await loadPolicy(directory)
    expect(policy?.profiles.get('default' as never)?.unknownHost).toBe('deny')
    expect(new Set(policy?.endpoints.map(({ unmatched }) => unmatched))).toEqual(new Set(['deny']))
  })

  it('gives files the mode 0644, whatever they had', () => {
    const [first = ''] = write([readPack('github')])
    chmodSync(join(directory, first), 0o600)
    write([readPack('github')], 'wireguard', true)
    for (const name of starterFiles([readPack('github')], 'wireguard').keys())
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o644)
  })

  it('writes nothing where something is, unless it is told to', () => {
    writeFileSync(join(directory, 'mine.hcl'), '# mine\n')
    expect(() => write([readPack('github')])).toThrow(/has mine\.hcl already: nothing was written/)
    expect(() => statSync(join(directory, 'gateway.hcl'))).toThrow()
    write([readPack('github')], 'wireguard', true)
    expect(readFileSync(join(directory, 'mine.hcl'), 'utf8')).toBe('# mine\n')
    expect(() => write([readPack('github')])).toThrow(/already/)
  })
})
