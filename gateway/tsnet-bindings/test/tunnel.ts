import { spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  closeFd,
  type Datagrams,
  type Flow,
  generateKey,
  publicKey,
  type Query,
  receiveFd,
  socketpair,
  startClient,
  startWireguard,
  type WireguardServer,
} from '../index.ts'

const here = dirname(fileURLToPath(import.meta.url))

/** What a command inside the tunnel did. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A WireGuard server in this process and one client whose namespace has no other way out. */
export interface Tunnel extends AsyncDisposable {
  readonly server: WireguardServer
  readonly clientKey: string
  readonly address4: string
  readonly address6: string
  /** Runs a command with all its traffic in the tunnel. */
  run(...command: readonly string[]): Promise<Ran>
  /** Runs a Python program the same way. */
  python(program: string): Promise<Ran>
}

/** Answers that a test can replace between commands. */
export interface Answers {
  flow: (flow: Flow) => void
  datagrams: (datagrams: Datagrams) => void
  query: (query: Query) => void
}

export async function openTunnel(answers: Answers, mtu = 1420): Promise<Tunnel> {
  const serverKey = generateKey()
  const server = await startWireguard(
    { privateKey: serverKey, listenPort: 0, mtu },
    {
      flow: (flow) => answers.flow(flow),
      datagrams: (datagrams) => answers.datagrams(datagrams),
      query: (query) => answers.query(query),
    },
  )
  const clientKey = generateKey()
  const address4 = '10.77.0.2'
  const address6 = 'fd77::2'
  await server.addPeer({ publicKey: publicKey(clientKey), allowedIps: [`${address4}/32`, `${address6}/128`] })
  const run = async (...command: readonly string[]): Promise<Ran> => {
    const [ours, theirs] = socketpair()
    const child = spawn(
      'unshare',
      ['-n', 'python3', join(here, 'inside.py'), address4, address6, String(mtu), ...command],
      {
        stdio: ['ignore', 'pipe', 'pipe', theirs],
      },
    )
    closeFd(theirs)
    const done = collect(child)
    const tunFd = await receiveFd(ours, 10_000)
    const client = await startClient({
      privateKey: clientKey,
      serverPublicKey: publicKey(serverKey),
      endpoint: `127.0.0.1:${server.port}`,
      tunFd,
      keepaliveS: 0,
    })
    writeSync(ours, 'g')
    try {
      return await done
    } finally {
      closeFd(ours)
      await client.close()
    }
  }
  return {
    server,
    clientKey: publicKey(clientKey),
    address4,
    address6,
    run,
    python: (program) => run('python3', '-c', program),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function collect(child: ReturnType<typeof spawn>): Promise<Ran> {
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}
