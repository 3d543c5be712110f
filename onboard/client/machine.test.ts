import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import { updateBundle } from './bundle.ts'
import { hiddenDirs } from './hidden-dirs.ts'
import { type Identity, identityFiles, loadIdentity } from './identity.ts'
import { noteChange, readJournal } from './journal.ts'
import { prepareDir, saveIdentity } from './save-identity.ts'
import { installTrust } from './trust.ts'
import { uninstall } from './uninstall.ts'

let root = ''
let dir = ''
let lab: OnboardLab

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clawpatrol-machine-'))
  dir = join(root, 'home/.clawpatrol')
  lab = onboardLab()
})
afterEach(async () => {
  await lab[Symbol.asyncDispose]()
  rmSync(root, { recursive: true })
})

describe('installTrust() and uninstall()', () => {
  it.each([
    ['usr/local/share/ca-certificates', 'update-ca-certificates'],
    ['etc/pki/ca-trust/source/anchors', 'update-ca-trust extract'],
    ['etc/ca-certificates/trust-source/anchors', 'trust extract-compat'],
  ])('put the CA into %s and take it away again', async (store, refresh) => {
    anIdentity()
    mkdirSync(join(root, store), { recursive: true })
    const before = tree(join(root, store))
    const { run, said } = aMachine()
    const file = join(root, store, 'clawpatrol.crt')
    expect(await installTrust({ dir, ca: lab.authority.ca, root, run })).toEqual({ kind: 'installed' })
    expect(readFileSync(file, 'utf8')).toBe(lab.authority.ca)
    expect(said.at(-1)).toBe(refresh)
    expect(readJournal(dir)).toEqual([{ kind: 'trust', file, refresh: refresh.split(' ') }])
    expect(await installTrust({ dir, ca: lab.authority.ca, root, run })).toEqual({ kind: 'present' })
    const steps = await uninstall({ dir, keepCa: false, keepConf: false, run })
    expect(steps.map(({ label }) => label)).toEqual([
      'device taken off the gateway',
      "CA taken off this machine's roots",
      'files removed',
    ])
    expect(tree(join(root, store))).toEqual(before)
    expect(existsSync(dir)).toBe(false)
  })

  it('say what to type when the machine lets nobody change it', async () => {
    anIdentity()
    mkdirSync(join(root, 'usr/local/share/ca-certificates'), { recursive: true })
    const done = await installTrust({
      dir,
      ca: lab.authority.ca,
      root,
      run: () => Promise.reject(new Error('no sudo')),
    })
    const file = join(root, 'usr/local/share/ca-certificates/clawpatrol.crt')
    expect(done).toEqual({
      kind: 'skipped',
      why: 'no sudo',
      commands: [`sudo install -m 0644 ${dir}/ca.crt ${file}`, 'sudo update-ca-certificates'],
    })
    expect(readJournal(dir)).toEqual([])
  })

  it('leave a machine of an unknown kind alone', async () => {
    expect(await installTrust({ dir, ca: lab.authority.ca, root })).toMatchObject({ kind: 'skipped', commands: [] })
  })

  it('keep a step that failed in the journal and finish it the next time', async () => {
    anIdentity()
    mkdirSync(join(root, 'usr/local/share/ca-certificates'), { recursive: true })
    const { run } = aMachine()
    await installTrust({ dir, ca: lab.authority.ca, root, run })
    const failed = await uninstall({
      dir,
      keepCa: false,
      keepConf: false,
      run: () => Promise.reject(new Error('sudo said no')),
    })
    expect(failed.find(({ label }) => label.startsWith('CA'))?.failure).toBe('sudo said no')
    expect(readdirSync(dir)).toEqual([identityFiles.journal])
    const again = await uninstall({ dir, keepCa: false, keepConf: false, run })
    expect(again.filter(({ failure }) => failure !== null)).toEqual([])
    expect(existsSync(dir)).toBe(false)
    expect(readdirSync(join(root, 'usr/local/share/ca-certificates'))).toEqual([])
  })

  it("never touch what is not a join's: a gateway's state may be in the same directory", async () => {
    anIdentity()
    writeFileSync(join(dir, 'clawpatrol.db'), 'precious')
    writeFileSync(join(dir, 'api-token.123.new'), 'left by a killed program')
    await uninstall({ dir, keepCa: false, keepConf: false })
    expect(readdirSync(dir)).toEqual(['clawpatrol.db'])
  })

  it('keep what they are told to keep', async () => {
    anIdentity()
    await uninstall({ dir, keepCa: true, keepConf: false })
    expect(readdirSync(dir)).toEqual(['ca.crt'])
    anIdentity()
    await uninstall({ dir, keepCa: false, keepConf: true })
    expect(readdirSync(dir).sort()).toEqual(['api-token', 'config.json', 'gateway', 'mode', 'wg.conf'])
  })

  it('are fine with nothing to do', async () => {
    expect(await uninstall({ dir, keepCa: false, keepConf: false })).toEqual([
      { label: "CA taken off this machine's roots", failure: null },
      { label: 'files removed', failure: null },
    ])
  })
})

describe('updateBundle()', () => {
  it("puts the CA behind the machine's roots, and writes only what changed", () => {
    const identity = anIdentity()
    const roots = join(root, 'roots.pem')
    writeFileSync(roots, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')
    expect(updateBundle(identity, ['/nowhere', roots])).toBe(identity.bundleFile)
    const text = readFileSync(identity.bundleFile, 'utf8')
    expect(text).toBe(`-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${lab.authority.ca}`)
    expect(statSync(identity.bundleFile).mode & 0o777).toBe(0o644)
    const { ino } = statSync(identity.bundleFile)
    updateBundle(identity, [roots])
    expect(statSync(identity.bundleFile).ino).toBe(ino)
    writeFileSync(roots, text)
    updateBundle(identity, [roots])
    expect(readFileSync(identity.bundleFile, 'utf8')).toBe(text)
  })

  it('falls back to the CA alone on a machine without roots', () => {
    const identity = anIdentity()
    writeFileSync(join(root, 'empty.pem'), '')
    expect(updateBundle(identity, ['/nowhere', join(root, 'empty.pem')])).toBe(identity.caFile)
  })
})

describe('loadIdentity()', () => {
  it.each(['config', 'ca', 'token'] as const)('names the %s file when it is missing', (name) => {
    anIdentity()
    rmSync(join(dir, identityFiles[name]))
    expect(() => loadIdentity(dir)).toThrow(
      expect.objectContaining({
        message: `This machine has not joined a gateway: "${join(dir, identityFiles[name])}" is missing`,
        hint: 'run clawpatrol join <gateway-url>',
      }),
    )
  })

  it.each([
    ['no JSON', '{', 'is damaged'],
    ['null', 'null', 'is damaged'],
    ['another version', '{"schema_version":2}', 'is of another version'],
    ['a URL that is none', '{"schema_version":1,"gateway":"x"}', 'is damaged'],
  ])('refuses a config.json that is %s', (_what, text, found) => {
    anIdentity()
    writeFileSync(join(dir, 'config.json'), text)
    expect(() => loadIdentity(dir)).toThrow(found)
  })
})

describe('hiddenDirs()', () => {
  it("hides the join but for its certificates, and a gateway's state", () => {
    anIdentity()
    const state = join(root, 'state')
    mkdirSync(state)
    const own = { dir, keep: ['ca.crt', 'ca-bundle.crt'] }
    expect(hiddenDirs(dir, { HOME: root, CLAWPATROL_STATE: state })).toEqual([own])
    writeFileSync(join(state, 'clawpatrol.db'), '')
    expect(hiddenDirs(dir, { HOME: root, CLAWPATROL_STATE: state })).toEqual([own, { dir: state, keep: [] }])
    writeFileSync(join(dir, 'clawpatrol.db'), '')
    expect(hiddenDirs(dir, { HOME: dirname(dir) })).toEqual([own])
  })

  it('hides what clawpatrol dev keeps for the same user', () => {
    anIdentity()
    const state = join(root, '.clawpatrol-dev', 'state')
    const client = join(root, '.clawpatrol-dev', 'client')
    mkdirSync(state, { recursive: true })
    mkdirSync(client)
    writeFileSync(join(client, 'api-token'), '')
    writeFileSync(join(state, 'clawpatrol.db'), '')
    const hidden = hiddenDirs(dir, { HOME: root })
    expect(hidden.slice(1)).toEqual([
      { dir: state, keep: [] },
      { dir: client, keep: [] },
    ])
    expect(hiddenDirs(client, { HOME: root }).map((each) => each.dir)).toEqual([client, state])
    expect(hiddenDirs(dir, { HOME: '/nowhere', CLAWPATROL_DEV: join(root, '.clawpatrol-dev') })).toEqual(hidden)
  })

  it('refuses a join that is kept inside the state it would hide', () => {
    anIdentity()
    writeFileSync(join(root, 'clawpatrol.db'), '')
    expect(() => hiddenDirs(dir, { HOME: '/nowhere', CLAWPATROL_STATE: root })).toThrow('the join is inside it')
  })
})

describe('the journal', () => {
  it('notes a change once', () => {
    prepareDir(dir)
    const change = { kind: 'trust', file: '/f', refresh: ['r'] } as const
    noteChange(dir, change)
    noteChange(dir, change)
    expect(readJournal(dir)).toEqual([change])
    expect(statSync(join(dir, 'install.json')).mode & 0o777).toBe(0o600)
  })
})

function anIdentity(): Identity {
  prepareDir(dir)
  saveIdentity(dir, {
    config: {
      schema_version: 1,
      gateway: 'http://127.0.0.1:9',
      tls: 'pinned',
      mode: 'wireguard',
      device_id: 'd',
      device_name: 'laptop',
      ca_fingerprint: lab.fingerprint,
      joined_at: '2026-01-01T00:00:00Z',
    },
    token: 'cpt_x',
    wireguardConf: '[Interface]\n',
    authKey: null,
    ca: lab.authority.ca,
  })
  return loadIdentity(dir)
}

/** A machine whose commands work on the temporary tree. */
function aMachine() {
  const said: string[] = []
  const run = async (words: readonly string[]) => {
    said.push(words.join(' '))
    const [command, ...args] = words
    if (command === 'install') writeFileSync(args.at(-1) ?? '', readFileSync(args.at(-2) ?? ''))
    if (command === 'rm') rmSync(args.at(-1) ?? '', { force: true })
  }
  return { run, said }
}

function tree(path: string): readonly string[] {
  return readdirSync(path, { recursive: true }).map(String).sort()
}
