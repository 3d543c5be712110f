import { spawnSync } from 'node:child_process'
import { type Finished, type Running, run, start } from '../support/program.ts'

/** A network namespace: it and all its links are gone when its holder ends, which ends with this process. */
export interface Namespace extends AsyncDisposable {
  readonly name: string
  /** Pid of the process that holds it. */
  readonly pid: number
  /** Words that run others in it, as the same process, which is ended when this process ends. */
  within(words: readonly string[]): readonly string[]
  /** Starts a program in it. @param input as for `start` of program.ts */
  start(words: readonly string[], env?: NodeJS.ProcessEnv, input?: string | null): Running
  run(words: readonly string[], env?: NodeJS.ProcessEnv, input?: string): Promise<Finished>
  /** Runs `ip` with arguments separated by blanks, each line one call. @throws Error when one fails */
  ip(lines: string): Promise<void>
  /** Sets variables of the kernel, `name=value`. @throws Error when one fails */
  sysctl(...settings: string[]): Promise<void>
}

/** Whether this user may make namespaces, with the tools that takes. */
export function mayIsolate(): boolean {
  return process.getuid?.() === 0 && spawnSync('unshare', ['-n', 'ip', 'link'], { stdio: 'ignore' }).status === 0
}

/** Makes a namespace with loopback and a default route, IPv4 and IPv6, into a link where nobody is. */
export async function makeNamespace(name: string): Promise<Namespace> {
  // no shell: the holder is the pid that is known, and ends when its input does
  const holder = start('unshare', ['--net', 'sh', '-c', 'echo held; exec cat'], process.env, null)
  await holder.saw(/held/)
  const pid = holder.child.pid ?? 0
  const within = (words: readonly string[]) => [
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
    'nsenter',
    `--net=/proc/${pid}/ns/net`,
    '--',
    ...words,
  ]
  const begin = ([command = '', ...words]: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
    [command, words, env] as const
  const namespace: Namespace = {
    name,
    pid,
    within,
    start: (words, env, input) => start(...begin(within(words), env), input),
    run: (words, env, input) => run(...begin(within(words), env), input),
    ip: async (lines) => {
      for (const line of lines.split('\n').filter((text) => text.trim() !== ''))
        expectOk(await run(...begin(within(['ip', ...line.trim().split(/\s+/)]))), line)
    },
    sysctl: async (...settings) => {
      expectOk(await run(...begin(within(['sysctl', '-qw', ...settings]))), settings.join(' '))
    },
    [Symbol.asyncDispose]: () => holder[Symbol.asyncDispose](),
  }
  try {
    await namespace.ip(nowhere)
    await namespace.sysctl('net.ipv4.ip_forward=0', 'net.ipv6.conf.all.forwarding=0')
  } catch (error) {
    await holder[Symbol.asyncDispose]()
    throw error
  }
  return namespace
}

function expectOk({ code, stderr }: Finished, what: string): void {
  if (code !== 0) throw new Error(`${what.trim()}: ${stderr}`)
}

/** tsnet takes a machine without a default route for one that is offline. */
const nowhere = `
  link set lo up
  link add nowhere0 type veth peer name nowhere1
  link set nowhere0 up
  link set nowhere1 up
  addr add 198.19.255.1/30 dev nowhere0
  addr add fd99:ffff::1/64 dev nowhere0 nodad
  route add default via 198.19.255.2 dev nowhere0
  -6 route add default via fd99:ffff::2 dev nowhere0
`
