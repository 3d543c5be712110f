import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CredentialName } from '../../../workers/contract/ids.ts'
import { openVault } from '../../secrets/vault.ts'
import { openDatabase } from '../../store/database.ts'
import { scratchDir } from '../../store/scratch.fixture.ts'

const root = join(import.meta.dirname, '../../..')
const call = `import('./gateway/cli/main.ts').then(async ({ main }) => { process.exitCode = await main(process.argv.slice(1)) })`
const program = ['--import', 'tsx', '-e', call, '--']

describe('clawpatrol secret', { timeout: 60_000 }, () => {
  let dir = ''
  beforeEach(() => {
    dir = join(scratchDir(), 'state')
  })
  afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }))

  const cli = (words: readonly string[], input = '', env: NodeJS.ProcessEnv = {}) => {
    const all = { PATH: process.env.PATH, HOME: dir, CLAWPATROL_STATE: dir, NO_COLOR: '1', ...env }
    const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...words], {
      cwd: root,
      encoding: 'utf8',
      input,
      env: all,
    })
    return { status, stdout, stderr }
  }

  it('stores what comes on standard input, without its line end, where the gateway finds it', async () => {
    expect(cli(['secret', 'set', 'token'], 'a-secret-value\n')).toEqual({
      status: 0,
      stdout: 'stored: token\n',
      stderr: '',
    })
    expect(cli(['secret', 'set', 'cert:key'], '-----BEGIN-----\nabc\n-----END-----\n')).toMatchObject({ status: 0 })
    const database = openDatabase(dir)
    await using vault = await openVault(database, { env: {} })
    expect(vault.lookup('token' as CredentialName, [''])).toEqual({ '': 'a-secret-value' })
    expect(vault.lookup('cert' as CredentialName, ['key'])).toEqual({ key: '-----BEGIN-----\nabc\n-----END-----' })
    database.close()
  })

  it('lists names, slots and sources, never values', () => {
    cli(['secret', 'set', 'token'], 'a-secret-value')
    cli(['secret', 'set', 'cert:key'], 'another-secret-value')
    const given = { CLAWPATROL_SECRET_OTHER: 'env-secret-value', CLAWPATROL_SECRET_TOKEN: 'hidden-by-the-vault' }
    const listed = cli(['secret', 'list'], '', given)
    expect(listed.stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ['NAME', 'SLOT', 'SOURCE'],
      ['cert', 'key', 'vault'],
      ['token', '-', 'vault'],
      ['CLAWPATROL_SECRET_OTHER', '-', 'environment'],
      [''],
    ])
    const json = cli(['secret', 'list', '--json'], '', given)
    expect(JSON.parse(json.stdout.split('\n')[0] ?? '')).toMatchObject({ name: 'cert', slot: 'key', source: 'vault' })
    expect(listed.stdout + json.stdout).not.toContain('value')
  })

  it('removes a slot, and says when nothing is stored', () => {
    cli(['secret', 'set', 'token'], 'a-secret-value')
    expect(cli(['secret', 'rm', 'token'])).toEqual({ status: 0, stdout: 'removed: token\n', stderr: '' })
    expect(cli(['secret', 'rm', 'token'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'clawpatrol: Nothing is stored for "token"\n',
    })
    expect(cli(['secret', 'list']).stdout).toMatch(/^no secrets are stored/)
  })

  it('refuses an empty value, a name that is none and a value as an argument', () => {
    expect(cli(['secret', 'set', 'token'], '\n')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('it is empty'),
    })
    expect(cli(['secret', 'set', 'to ken'], 'x')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('it is not NAME or NAME:SLOT'),
    })
    expect(cli(['secret', 'set', 'token', 'a-secret-value'], 'x').status).toBe(2)
  })

  it('puts everything under a new master key', () => {
    cli(['secret', 'set', 'token'], 'a-secret-value')
    const before = readFileSync(join(dir, 'master.key'), 'utf8')
    expect(cli(['secret', 'rekey'])).toMatchObject({
      status: 0,
      stdout: '1 records are under the new master.key; a running gateway notices\n',
    })
    expect(readFileSync(join(dir, 'master.key'), 'utf8')).not.toBe(before)
    expect(readdirSync(dir).filter((name) => name.startsWith('master'))).toEqual(['master.key'])
    expect(cli(['secret', 'list']).stdout).toContain('token')
  })

  it('says in one sentence that the master key is another', () => {
    cli(['secret', 'set', 'token'], 'a-secret-value')
    const done = cli(['secret', 'list'], '', { CLAWPATROL_MASTER_KEY: 'ab'.repeat(32) })
    expect(done).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'clawpatrol: Cannot open the stored secrets: the master key is not the one they are sealed with\n' +
        'hint: they are sealed with the key in master.key of the state directory: restore it, and unset the variables that give another\n',
    })
  })

  it('asks at a terminal without showing what is typed', async () => {
    // Python brings the terminal
    const script = [
      'import os, pty, sys, time',
      'pid, fd = pty.fork()',
      'if pid == 0: os.execv(sys.argv[1], sys.argv[1:])',
      'seen = b""',
      'while b"Secret of token: " not in seen: seen += os.read(fd, 100)',
      'os.write(fd, b"typed-secrey\\x7ft-value\\r")',
      'try:',
      '  while True:',
      '    more = os.read(fd, 100)',
      '    if not more: break',
      '    seen += more',
      'except OSError: pass',
      'print(repr(seen.decode()), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))',
    ].join('\n')
    const env = { PATH: process.env.PATH, HOME: dir, CLAWPATROL_STATE: dir, NO_COLOR: '1' }
    const args = ['-c', script, process.execPath, ...program, 'secret', 'set', 'token']
    const child = spawn('python3', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    await once(child, 'close')
    expect(out).toBe("'Secret of token: \\r\\nstored: token\\r\\n' 0\n")
    const database = openDatabase(dir)
    await using vault = await openVault(database, { env: {} })
    expect(vault.lookup('token' as CredentialName, [''])).toEqual({ '': 'typed-secret-value' })
    database.close()
  })
})
