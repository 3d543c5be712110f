import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { namespaceOf, processesIn } from '../../onboard/capture/namespaces.fixture.ts'
import { type Finished, run, start } from './program.ts'

/** A machine of its own on this host: network, /run and a copy of /etc that nobody else changes. */
export interface Machine extends AsyncDisposable {
  readonly pid: number
  /** The words that run a command there. */
  inside(words: readonly string[]): readonly string[]
  /** Runs a command there to its end. */
  run(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<Finished>
  /** Addresses, routes and rules, and every file of /etc with owner, mode and content. */
  snapshot(): Promise<Snapshot>
}

/** What a machine is like, to compare. */
export interface Snapshot {
  readonly addresses: unknown
  readonly routes: unknown
  readonly rules: unknown
  readonly etc: readonly string[]
}

/** One end of a cable. */
export interface Port {
  readonly machine: Pick<Machine, 'pid' | 'run'>
  readonly name: string
  /** With their lengths, as `203.0.113.2/24`. */
  readonly addresses: readonly string[]
}

const setUp = `set -e
mount --make-rprivate /
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir /run/etc
cp -a /etc/. /run/etc
mount --bind /run/etc /etc
ip link set lo up
echo ready
exec cat`

/** Starts a machine that nothing is connected to; it needs root. */
export async function startMachine(): Promise<Machine> {
  const child = spawn('unshare', ['--net', '--mount', 'sh', '-c', setUp], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [ready] = (await once(child.stdout, 'data')) as [Buffer]
  if (!ready.toString().startsWith('ready')) throw new Error('the machine did not start')
  const pid = child.pid ?? 0
  const inside = (words: readonly string[]) => ['nsenter', '-t', String(pid), '--net', '--mount', '--', ...words]
  const runInside = (words: readonly string[], env?: NodeJS.ProcessEnv) => {
    const [command = '', ...args] = inside(words)
    return run(command, args, env)
  }
  const said = async (...words: string[]) => {
    const { code, stdout, stderr } = await runInside(words)
    if (code !== 0) throw new Error(`${words.join(' ')}: ${stderr}`)
    return stdout
  }
  return {
    pid,
    inside,
    run: runInside,
    async snapshot() {
      const both = async (...words: string[]) => [
        JSON.parse((await said('ip', '-j', '-4', ...words)) || '[]'),
        JSON.parse((await said('ip', '-j', '-6', ...words)) || '[]'),
      ]
      const files = await said('find', '/etc', '-printf', '%p %y %m %U %G %l\n')
      const sums = await said('sh', '-c', 'find /etc -type f -print0 | xargs -0 sha256sum')
      return {
        addresses: await both('addr'),
        routes: await both('route', 'show', 'table', 'all'),
        rules: await both('rule'),
        etc: [...files.split('\n'), ...sums.split('\n')].sort(),
      }
    },
    async [Symbol.asyncDispose]() {
      // also what went into the background there, as a tunnel does: it would keep the namespace
      const namespace = namespaceOf(pid, 'net')
      for (const each of namespace === null ? [] : processesIn('net', namespace))
        if (Number(each) !== pid) endProcess(Number(each))
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}

/** Connects two machines, or a machine and a namespace. */
export async function connect(one: Port, other: Port): Promise<void> {
  await expectDone('ip', [
    'link',
    'add',
    one.name,
    'netns',
    String(one.machine.pid),
    'type',
    'veth',
    'peer',
    'name',
    other.name,
    'netns',
    String(other.machine.pid),
  ])
  for (const { machine, name, addresses } of [one, other]) {
    const words = [
      `ip link set ${name} addrgenmode none up`,
      ...addresses.map((address) => `ip addr add ${address} dev ${name} ${address.includes(':') ? 'nodad' : ''}`),
    ]
    const done = await machine.run(['sh', '-ec', words.join('\n')])
    if (done.code !== 0) throw new Error(done.stderr)
  }
}

async function expectDone(command: string, words: readonly string[]): Promise<void> {
  const { code, stderr } = await start(command, words, process.env).finished
  if (code !== 0) throw new Error(`${words.join(' ')}: ${stderr}`)
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it ended by itself
  }
}
