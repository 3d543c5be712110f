import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { capture } from '../capture.ts'
import { type Started, startProcess } from '../runner.fixture.ts'
import type { ExtensionRun } from './darwin.ts'
import { connectExtension, type Deadlines } from './extension.ts'
import type { Request } from './protocol.ts'
import { StandIn } from './stand-in.fixture.ts'

const loader = createRequire(import.meta.url).resolve('tsx')
const script = join(import.meta.dirname, 'mac-run.fixture.ts')

async function anApp(): Promise<StandIn> {
  const app = await new StandIn().listen()
  onTestFinished(() => app[Symbol.asyncDispose]())
  return app
}

/** A directory whose files tell what a command did. */
function aDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-held-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly warnings: readonly string[]
}

/** Runs a command captured by an app, its output kept. */
async function run(
  app: StandIn,
  words: readonly [string, ...string[]],
  more: Partial<ExtensionRun> = {},
  deadlines: Partial<Deadlines> = {},
): Promise<Ran> {
  const [command, ...args] = words
  const extension = await connectExtension({ path: app.path, deadlines })
  const dir = aDir()
  const files = [openSync('/dev/null', 'r'), openSync(join(dir, 'out'), 'w'), openSync(join(dir, 'err'), 'w')] as const
  const warnings: string[] = []
  try {
    const tunnel = await extension.start({
      kind: 'tailnet',
      authKey: 'tskey-auth-x',
      controlUrl: '',
      gatewayIp: '100.64.0.1',
      hostname: 'laptop-run-1',
    })
    const code = await capture({
      command,
      args,
      cwd: '/',
      env: { PATH: process.env.PATH },
      hide: [],
      register: tunnel.register,
      lost: extension.lost,
      stdio: files,
      warn: (text) => warnings.push(text),
      ...more,
    })
    return { code, stdout: readFileSync(join(dir, 'out'), 'utf8'), warnings }
  } finally {
    extension.close()
    for (const fd of files) closeSync(fd)
  }
}

/** The same by a process of its own, which gets signals. */
function runAlone(app: StandIn, ...words: readonly string[]): Started {
  return startProcess([process.execPath, '--import', loader, script, ...words], {
    env: { ...process.env, HOME: app.home },
  })
}

/** Resolves with the next request of a kind, which is answered once `go` is called. */
function heldAt(app: StandIn, kind: Request['kind']) {
  let go = () => undefined as unknown
  const reached = new Promise<Request>((resolve) => {
    app.odd = async (request) => {
      if (request.kind !== kind) return null
      resolve(request)
      await new Promise<void>((answer) => {
        go = answer
      })
      return null
    }
  })
  return { reached, go: () => go() }
}

const isAlive = (pid: number) =>
  existsSync(`/proc/${pid}/stat`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z')

const silence: StandIn['odd'] = () => 'silence'
const patience = { timeout: 10_000 }

describe('a command on macOS', () => {
  it('does not start before the app has confirmed that its processes are captured', async () => {
    const app = await anApp()
    const file = join(aDir(), 'ran')
    const held = heldAt(app, 'register')
    const running = run(app, ['sh', '-c', `echo $$ > ${file}`])
    const { pid } = (await held.reached) as Extract<Request, { kind: 'register' }>
    expect([isAlive(pid), existsSync(file)]).toEqual([true, false])
    held.go()
    expect(await running).toMatchObject({ code: 0 })
    // the very process that was registered, when it was nothing but the gate
    expect(readFileSync(file, 'utf8')).toBe(`${pid}\n`)
    expect(app.trees).toMatchObject([
      { pid, wordsThen: ['/bin/sh', '-c', expect.stringContaining('<&3'), 'sh', 'sh', '-c', expect.any(String)] },
    ])
  })

  it.each<[string, StandIn['odd'], RegExp]>([
    ['refuses', () => ({ kind: 'refused', code: 'limit', message: 'too many processes' }), /too many processes/],
    ['is silent', silence, /did not answer "register"/],
    ['hangs up', () => 'hangup', /Clawpatrol.app (is gone|closed the connection)/],
    ['talks nonsense', () => Buffer.from('\0\0\0\x02ok'), /not JSON/],
    ['confirms something else', () => Buffer.from('\0\0\0\x18{"kind":"unregistered" }'), /sent "unregistered" unasked/],
  ])('does not start when the app %s', async (_what, odd, message) => {
    const app = await anApp()
    const file = join(aDir(), 'ran')
    const pids: number[] = []
    app.odd = (request) => {
      if (request.kind !== 'register') return null
      pids.push(request.pid)
      return odd(request)
    }
    const deadlines = odd === silence ? { local: 200 } : {}
    await expect(run(app, ['touch', file], {}, deadlines)).rejects.toThrow(message)
    expect([pids.map(isAlive), existsSync(file)]).toEqual([[false], false])
  })

  it.each<[string, [string, ...string[]], number]>([
    ['that succeeds', ['true'], 0],
    ['that fails', ['sh', '-c', 'exit 3'], 3],
    ['that dies of a signal', ['sh', '-c', 'kill -TERM $$'], 143],
    ['that is not there', ['clawpatrol-no-such-command'], 127],
    ['that cannot be executed', ['/etc/passwd'], 126],
  ])('%s ends with its status', async (_what, words, code) => {
    expect(await run(await anApp(), words)).toMatchObject({ code })
  })

  it('gets its words, directory and environment as they are, and no descriptor of ours', async () => {
    const words = ['', 'a  b', "it's", '"$HOME"', '$(id)', '`id`', '*', '-n', 'line\nline', '\\', 'ü']
    const cwd = aDir()
    const print =
      'import os, sys, json; print(json.dumps([sys.argv[1:], os.getcwd(), os.environ["X"], os.environ.get("HOME")]))'
    const { stdout } = await run(await anApp(), ['python3', '-c', print, ...words], {
      cwd,
      env: { PATH: process.env.PATH, X: 'a=b\nc' },
    })
    const [argv, where, x, home] = JSON.parse(stdout)
    expect([argv, where, x, home]).toEqual([words, cwd, 'a=b\nc', null])
    const open = await run(await anApp(), ['sh', '-c', 'true <&3 || echo closed'])
    expect(open).toMatchObject({ code: 0, stdout: 'closed\n' })
  })

  it('is not looked for among the options of a shell', async () => {
    await expect(run(await anApp(), ['-a', 'x'])).rejects.toThrow('its name begins with a dash')
  })

  it('says so when the directory is gone', async () => {
    await expect(run(await anApp(), ['true'], { cwd: '/no/such' })).rejects.toMatchObject({
      message: 'Cannot start a process in "/no/such": ENOENT',
      hint: expect.stringContaining('cd to'),
    })
  })

  it('leaves its background processes without a tunnel', async () => {
    const app = await anApp()
    await run(app, ['true'])
    expect(app.trees).toMatchObject([{ isCutOff: true }])
    expect(app.asked.map(({ kind }) => kind)).toEqual(['hello', 'start', 'register', 'unregister'])
  })

  it('keeps its status when the app fails afterwards', async () => {
    const app = await anApp()
    app.odd = ({ kind }) => (kind === 'unregister' ? { kind: 'refused', code: 'failed', message: 'gone' } : null)
    expect(await run(app, ['sh', '-c', 'exit 4'])).toEqual({
      code: 4,
      stdout: '',
      warnings: ['the capture did not end cleanly: Cannot release the command: gone'],
    })
  })

  it('is told what macOS does not hide from it, and what it does not wait for', async () => {
    const hide = [{ dir: '/Users/me/.clawpatrol', keep: [] }]
    const { warnings } = await run(await anApp(), ['true'], { hide, waitAll: true })
    expect(warnings).toEqual([
      'macOS hides no files: the command can read the secrets in "/Users/me/.clawpatrol"',
      'on macOS nobody waits for background processes: they lose their network with the command',
    ])
  })

  it('is ended with its descendants when the app is gone', async () => {
    const app = await anApp()
    const fifo = join(aDir(), 'pids')
    const running = run(app, ['sh', '-c', `sh -c 'sleep 300 & echo $$ $! > ${fifo}; wait' & wait`])
    running.catch(() => undefined)
    await expect.poll(() => existsSync(fifo) && readFileSync(fifo, 'utf8'), patience).toMatch(/\d+ \d+\n/)
    const pids = readFileSync(fifo, 'utf8').trim().split(' ').map(Number)
    expect(pids.map(isAlive)).toEqual([true, true])
    await app.crash()
    await expect(running).rejects.toThrow('The command was ended: Clawpatrol.app is gone')
    await expect.poll(() => [...pids, app.trees[0]?.pid ?? 0].map(isAlive), patience).toEqual([false, false, false])
  })
})

describe('a signal on macOS', () => {
  it('reaches the command', async () => {
    const alone = runAlone(
      await anApp(),
      'sh',
      '-c',
      'trap "echo got; exit 7" USR1; echo ready; while :; do sleep 0.05; done',
    )
    await alone.printed(/ready/)
    alone.child.kill('SIGUSR1')
    expect(await alone.ended()).toMatchObject({ code: 7, output: 'ready\ngot\n' })
  })

  it('ends clawpatrol with 128 + the signal when the command dies of it', async () => {
    const alone = runAlone(await anApp(), 'sh', '-c', 'echo ready; exec sleep 300')
    await alone.printed(/ready/)
    alone.child.kill('SIGINT')
    expect((await alone.ended()).code).toBe(130)
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)('%s before the capture is confirmed ends all of it', async (signal) => {
    const app = await anApp()
    const file = join(aDir(), 'ran')
    const held = heldAt(app, 'register')
    const alone = runAlone(app, 'touch', file)
    const { pid } = (await held.reached) as Extract<Request, { kind: 'register' }>
    alone.child.kill(signal)
    expect(await alone.ended()).toMatchObject(signal === 'SIGTERM' ? { code: 143 } : { code: null, signal })
    await expect.poll(() => isAlive(pid), patience).toBe(false)
    held.go()
    await expect.poll(() => app.tunnels.size, patience).toBe(0)
    expect(existsSync(file)).toBe(false)
  })

  it('that kills clawpatrol leaves the command without a tunnel', async () => {
    const app = await anApp()
    const alone = runAlone(app, 'sh', '-c', 'echo ready; exec sleep 300')
    await alone.printed(/ready/)
    alone.child.kill('SIGKILL')
    await expect.poll(() => app.trees.map(({ isCutOff }) => isCutOff), patience).toEqual([true])
    process.kill(app.trees[0]?.pid ?? 0, 'SIGKILL')
    await alone.ended()
  })
})
