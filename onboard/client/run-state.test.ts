import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRunState } from './run-state.ts'

const uid = process.geteuid?.() ?? 0
let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'run-state-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const open = () => openRunState({ XDG_RUNTIME_DIR: base })

/** A directory as a run leaves it that died, with what it wrote of itself. */
function left(name: string, owner: string | null): string {
  const dir = join(base, `clawpatrol-run-${uid}-${name}`)
  mkdirSync(dir, { mode: 0o700 })
  writeFileSync(join(dir, 'tailscaled.log1.txt'), 'x')
  if (owner !== null) writeFileSync(join(dir, 'owner'), owner)
  return dir
}

/** What this very process writes of itself: pid, boot, pid namespace, start time. */
function ownWords(): string[] {
  const state = open()
  const words = readFileSync(join(state.dir, 'owner'), 'utf8').trim().split(' ')
  state.remove()
  return words
}

describe('openRunState()', () => {
  it('makes a directory that only its user can enter', () => {
    const { dir } = open()
    expect(dir.startsWith(join(base, `clawpatrol-run-${uid}-`))).toBe(true)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
  })

  it('makes one for each run and removes only its own', () => {
    const [first, second] = [open(), open()]
    first.remove()
    first.remove()
    expect(readdirSync(base).map((name) => join(base, name))).toEqual([second.dir])
  })

  it('removes what is in it', () => {
    const { dir, remove } = open()
    mkdirSync(join(dir, 'profile-data/a'), { recursive: true })
    writeFileSync(join(dir, 'profile-data/a/b'), 'x')
    remove()
    expect(existsSync(dir)).toBe(false)
  })

  it('goes to /tmp when the runtime directory is a link, a file, relative or missing', () => {
    const link = join(base, 'link')
    symlinkSync(base, link)
    const file = join(base, 'file')
    writeFileSync(file, '')
    for (const dir of [link, file, 'relative', join(base, 'missing'), '', undefined]) {
      const state = openRunState({ XDG_RUNTIME_DIR: dir })
      state.remove()
      expect(state.dir.startsWith('/tmp/clawpatrol-run-')).toBe(true)
    }
  })

  it('sweeps the directory of a process that was killed', async () => {
    const script = `import { openRunState } from ${JSON.stringify(join(import.meta.dirname, 'run-state.ts'))}
      process.stdout.write(openRunState().dir); setInterval(() => {}, 1e6)`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      env: { ...process.env, XDG_RUNTIME_DIR: base },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const dir = String((await once(child.stdout, 'data'))[0])
    open()
    expect(existsSync(dir)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    open()
    expect(existsSync(dir)).toBe(false)
  })

  it('is not fooled by another process that has the dead one’s number', () => {
    const [pid = '', boot = '', namespace = ''] = ownWords()
    const dead = left('reused', `${pid} ${boot} ${namespace} 1\n`)
    open()
    expect(existsSync(dead)).toBe(false)
  })

  it('sweeps what was left before the machine was started anew', () => {
    const [pid = '', , namespace = '', start = ''] = ownWords()
    const dead = left('boot', `${pid} 00000000-0000-0000-0000-000000000000 ${namespace} ${start}\n`)
    open()
    expect(existsSync(dead)).toBe(false)
  })

  it('leaves alone what belongs to another container', () => {
    const [, boot = ''] = ownWords()
    const other = left('other', `1 ${boot} pid:[1] 1\n`)
    open()
    expect(existsSync(other)).toBe(true)
  })

  it('leaves alone a run that has not said yet whose it is, for a minute', () => {
    const dirs = [left('young', null), left('half', '12')]
    open()
    expect(dirs.map(existsSync)).toEqual([true, true])
    const before = new Date(Date.now() - 120_000)
    for (const dir of dirs) utimesSync(dir, before, before)
    utimesSync(join(dirs[1] ?? '', 'owner'), before, before)
    open()
    expect(dirs.map(existsSync)).toEqual([false, false])
  })

  it('follows no link, neither to a directory nor to an owner', () => {
    const target = mkdtempSync(join(base, 'target-'))
    writeFileSync(join(target, 'owner'), '1 gone gone 1\n')
    symlinkSync(target, join(base, `clawpatrol-run-${uid}-link`))
    const linked = left('linked', null)
    symlinkSync(join(target, 'owner'), join(linked, 'owner'))
    open()
    expect(existsSync(join(target, 'owner'))).toBe(true)
    expect(existsSync(linked)).toBe(true)
  })

  it.runIf(uid === 0)('leaves alone what another user made', () => {
    const dir = left('foreign', '1 gone gone 1\n')
    chownSync(dir, 65534, 65534)
    open()
    expect(existsSync(dir)).toBe(true)
  })
})
