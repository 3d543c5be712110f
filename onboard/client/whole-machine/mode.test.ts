import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { wireguardConf } from '../../../test/support/joined-machine.ts'
import { parseGatewayUrl } from '../gateway-url.ts'
import { noteChange, readJournal, type SystemChange } from '../journal.ts'
import { prepareDir } from '../save-identity.ts'
import type { Host } from './host.ts'
import { clearMarker, isWholeMachine, setMarker } from './marker.ts'
import { checkGatewayIsElsewhere, checkTransport, undoFormerRouting, unrouteWholeMachine } from './mode.ts'
import { addShellLines } from './shell-rc.ts'
import { directRules, readOwnConf, tunnelRules, writeWholeMachineConf } from './whole-machine-conf.ts'

const lines =
  '# clawpatrol: agent env (clawpatrol env)\ncommand -v clawpatrol >/dev/null 2>&1 && eval "$(clawpatrol env)"\n'
const never: Host = {
  asRoot: (words) => Promise.reject(new Error(`no ${words[0]} today`)),
  asUser: (words) => Promise.reject(new Error(`no ${words[0]} today`)),
}

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawpatrol-mode-'))
  prepareDir(dir)
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('checkGatewayIsElsewhere()', () => {
  const own = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)

  it.each([
    'http://127.0.0.1:8080',
    'http://127.8.8.8',
    'https://[::1]',
    'http://localhost:8080',
    'http://0.0.0.0',
  ])('refuses %s: it is this machine', async (url) => {
    await expect(checkGatewayIsElsewhere(parseGatewayUrl(url))).rejects.toThrow('is on this machine')
  })

  it('refuses an address of an interface of this machine', async () => {
    const url = `http://${own?.address ?? '127.0.0.1'}:8080`
    await expect(checkGatewayIsElsewhere(parseGatewayUrl(url))).rejects.toThrow('is on this machine')
  })

  it('lets every other address be', async () => {
    await checkGatewayIsElsewhere(parseGatewayUrl('http://203.0.113.1:8080'))
    await checkGatewayIsElsewhere(parseGatewayUrl('https://[2001:db8::1]'))
  })
})

describe('checkTransport()', () => {
  afterEach(() => void vi.unstubAllEnvs())

  it.each([
    [
      'wireguard',
      'Routing the whole machine needs wg-quick, which is not there',
      'install the package wireguard-tools',
    ],
    ['tailscale', 'Routing the whole machine needs tailscale, which is not there', 'see tailscale.com/download/linux'],
  ] as const)('names what is missing for %s and how to get it', (transport, message, hint) => {
    vi.stubEnv('PATH', dir)
    expect(() => checkTransport(transport)).toThrow(expect.objectContaining({ message, hint }))
  })

  it('installs nothing: it names the command of this distribution', () => {
    writeFileSync(join(dir, 'dnf'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    vi.stubEnv('PATH', dir)
    expect(() => checkTransport('wireguard')).toThrow(
      expect.objectContaining({ hint: 'sudo dnf install wireguard-tools' }),
    )
  })
})

describe('addShellLines()', () => {
  const undo = () => unrouteWholeMachine(dir, never)

  it.each([
    ['a file with a last line', 'umask 022\n', `umask 022\n${lines}`],
    ['a file without an end of line', 'umask 022', `umask 022\n${lines}`],
    ['an empty file', '', lines],
  ])('adds to %s, and undoing takes exactly that away', async (_what, before, after) => {
    const path = join(dir, '.bashrc')
    writeFileSync(path, before, { mode: 0o640 })
    addShellLines(dir, dir)
    expect(readFileSync(path, 'utf8')).toBe(after)
    expect(statSync(path).mode & 0o777).toBe(0o640)
    await undo()
    expect(readFileSync(path, 'utf8')).toBe(before)
    expect(readJournal(dir)).toEqual([])
  })

  it('takes the first of the start files, writes through a link, and adds nothing twice', async () => {
    writeFileSync(join(dir, 'dotfile'), 'a\n')
    symlinkSync('dotfile', join(dir, '.zshrc'))
    writeFileSync(join(dir, '.profile'), 'b\n')
    addShellLines(dir, dir)
    addShellLines(dir, dir)
    expect(readFileSync(join(dir, 'dotfile'), 'utf8')).toBe(`a\n${lines}`)
    expect(readFileSync(join(dir, '.profile'), 'utf8')).toBe('b\n')
    await undo()
    expect(readFileSync(join(dir, '.zshrc'), 'utf8')).toBe('a\n')
  })

  it('keeps what the user wrote since, around the lines and in them', async () => {
    const path = join(dir, '.bashrc')
    writeFileSync(path, 'a\n')
    addShellLines(dir, dir)
    writeFileSync(path, `${readFileSync(path, 'utf8')}b\n`)
    expect(await undo()).toEqual([{ label: `${path} without our lines`, left: null }])
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n')
    addShellLines(dir, dir)
    const changed = readFileSync(path, 'utf8').replace('>/dev/null', '> /dev/null')
    writeFileSync(path, changed)
    expect((await undo())[0]?.left).toContain('by hand')
    expect(readFileSync(path, 'utf8')).toBe(changed)
  })

  it('noted and not made, the machine having died in between, is undone', async () => {
    const path = join(dir, '.bashrc')
    writeFileSync(path, 'a\n')
    noteChange(dir, { kind: 'lines', path, added: lines })
    expect(await undo()).toEqual([{ label: `${path} without our lines`, left: null }])
    expect(readFileSync(path, 'utf8')).toBe('a\n')
  })

  it('does nothing for a user without start files', () => {
    addShellLines(dir, join(dir, 'nowhere'))
    expect(readJournal(dir)).toEqual([])
  })
})

describe('undoing', () => {
  const rule: SystemChange = { kind: 'rule', family: 4, words: ['lookup', 'main', 'priority', '5'] }

  it('removes the marker first, tries every step and keeps those that failed', async () => {
    setMarker(dir)
    noteChange(dir, rule)
    noteChange(dir, { kind: 'interface', name: 'clawpatrol' })
    const undone = await unrouteWholeMachine(dir, never)
    expect(undone.map(({ left }) => left)).toEqual(['no ip today', 'no ip today'])
    expect(readJournal(dir)).toEqual([rule, { kind: 'interface', name: 'clawpatrol' }])
    expect(isWholeMachine(dir)).toBe(false)
  })

  it('that fails keeps a machine from joining again', async () => {
    noteChange(dir, rule)
    await expect(undoFormerRouting(dir, never)).rejects.toThrow(
      'Cannot undo an earlier join: routing rule lookup main priority 5 (IPv4) removed: no ip today',
    )
  })

  it('leaves the trust of a join alone', async () => {
    const trust: SystemChange = { kind: 'trust', file: '/f', refresh: ['r'] }
    noteChange(dir, trust)
    expect(await unrouteWholeMachine(dir, never)).toEqual([])
    await undoFormerRouting(dir, never)
    expect(readJournal(dir)).toEqual([trust])
  })

  it.each([
    '{',
    '{"schema_version":2,"changes":[]}',
    '{"schema_version":1,"changes":[{"kind":"shell"}]}',
    'null',
  ])('does not guess what a damaged journal says: %s', async (text) => {
    writeFileSync(join(dir, 'install.json'), text)
    await expect(unrouteWholeMachine(dir, never)).rejects.toThrow('is damaged, or of another version')
    expect(existsSync(join(dir, 'install.json'))).toBe(true)
  })

  it('a marker that cannot be removed is an error', () => {
    setMarker(dir)
    rmSync(join(dir, 'whole-machine'))
    prepareDir(join(dir, 'whole-machine'))
    expect(() => clearMarker(dir)).toThrow('Cannot remove')
  })
})

describe('the journal', () => {
  it('keeps the older inverse of a file that is written again', () => {
    const first: SystemChange = { kind: 'file', path: '/x', before: { kind: 'absent' }, wrote: 'a' }
    noteChange(dir, first)
    noteChange(dir, { ...first, before: { kind: 'symlink', target: '/y' }, wrote: 'b' })
    expect(readJournal(dir)).toEqual([first])
    expect(statSync(join(dir, 'install.json')).mode & 0o777).toBe(0o600)
  })
})

describe('writeWholeMachineConf()', () => {
  it('makes every line here, and leads everything but what must be direct into the tunnel', () => {
    const families = [4] as const
    const gateways = [{ address: '203.0.113.1', port: 8080 }]
    const direct = directRules({ addresses: ['203.0.113.2', '2001:db8::2'], gateways, families })
    const rules = [...direct, ...tunnelRules(families)].map((rule) => ({ kind: 'rule' as const, ...rule }))
    const own = readOwnConf(wireguardConf)
    const text = writeWholeMachineConf({ ...own, endpoint: '203.0.113.1:51820', families, rules })
    const shown = text.replace(own.privateKey, '<private>').replace(own.conf.serverPublicKey, '<public>')
    expect(shown).toMatchInlineSnapshot(`
      "# written by clawpatrol join --whole-machine; clawpatrol uninstall removes it
      [Interface]
      PrivateKey = <private>
      Address = 10.55.0.2/32
      FwMark = 0xc1a0
      Table = off
      PostUp = ip -4 route replace default dev %i table 49568
      PostUp = ip -4 rule add from 203.0.113.2 lookup main priority 5
      PostUp = ip -4 rule add to 203.0.113.1 ipproto tcp dport 8080 lookup main priority 5
      PostUp = ip -4 rule add ipproto tcp sport 22 lookup main priority 6
      PostUp = ip -4 rule add lookup main suppress_prefixlength 0 priority 8
      PostUp = ip -4 rule add not fwmark 0xc1a0 lookup 49568 priority 9
      PostDown = ip -4 rule del not fwmark 0xc1a0 lookup 49568 priority 9 || true
      PostDown = ip -4 rule del lookup main suppress_prefixlength 0 priority 8 || true
      PostDown = ip -4 rule del ipproto tcp sport 22 lookup main priority 6 || true
      PostDown = ip -4 rule del to 203.0.113.1 ipproto tcp dport 8080 lookup main priority 5 || true
      PostDown = ip -4 rule del from 203.0.113.2 lookup main priority 5 || true

      [Peer]
      PublicKey = <public>
      Endpoint = 203.0.113.1:51820
      AllowedIPs = 0.0.0.0/0
      PersistentKeepalive = 25
      "
    `)
  })

  it('refuses a configuration that is not what a join writes', () => {
    expect(() => readOwnConf(`${wireguardConf}PostUp = id\n`)).toThrow('unexpected "PostUp"')
    expect(() => readOwnConf('[Interface]\n')).toThrow('has no key of this machine')
  })
})
