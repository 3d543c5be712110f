import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A ClickHouse server of its own. */
export interface ClickHouseServer extends AsyncDisposable {
  /** Process id of the server, for tests that stop or kill it. */
  readonly pid: number
  readonly ports: ClickHousePorts
  /** Runs one statement as an administrator over the native protocol; returns the rows, tabs between columns. */
  query(sql: string): string
}

/** Where it listens; the secure ones are 0 on a server without a certificate. */
export interface ClickHousePorts {
  readonly native: number
  readonly nativeTls: number
  readonly http: number
  readonly https: number
}

/** What differs between servers; by default it listens on 127.0.0.1, on free ports, with one user. */
export interface ClickHouseOptions {
  readonly addresses?: readonly string[]
  readonly ports?: Partial<ClickHousePorts>
  /** Process in whose network it runs. */
  readonly networkOf?: number
  /** Opens the secure ports as well: files in PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string }
  /** Beside the administrator; without any there is `app` with the password `clickHousePassword`. */
  readonly users?: readonly { readonly name: string; readonly password: string }[]
}

/** Password of the user `app`. */
export const clickHousePassword = 'ch-secret-5d0a77e1'

/** Where the server's programs are; null, said loudly, when there are none. */
export function clickHousePrograms(subject: string): string | null {
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/usr/bin')
  const found = folders.find((folder) => existsSync(join(folder, 'clickhouse-server')))
  const hasClient = spawnSync('clickhouse-client', ['--version']).status === 0
  if (found !== undefined && hasClient) return join(found, 'clickhouse-server')
  process.stderr.write(`NOT TESTED: ${subject}: needs a ClickHouse server (clickhouse-server, clickhouse-client)\n`)
  return null
}

const nobody = 65534

/**
 * Starts a server in a folder of its own, as nobody when this is root, and waits until it takes connections.
 * @param program what `clickHousePrograms` found
 * @throws Error with what the server said when it does not come up
 */
export async function startClickHouse(program: string, options: ClickHouseOptions = {}): Promise<ClickHouseServer> {
  const { addresses = ['127.0.0.1'], certificate } = options
  const ports = await choosePorts(options)
  const admin = { name: 'admin', password: randomBytes(12).toString('hex') }
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-ch-'))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    own(join(folder, name))
  }
  own(folder)
  for (const name of ['data', 'tmp', 'files', 'schemas']) {
    mkdirSync(join(folder, name))
    own(join(folder, name))
  }
  if (certificate) {
    file('cert.pem', readFileSync(certificate.cert, 'utf8'))
    file('key.pem', readFileSync(certificate.key, 'utf8'))
  }
  file('config.xml', configuration({ folder, addresses, ports }))
  file('users.xml', usersFile([admin, ...(options.users ?? [{ name: 'app', password: clickHousePassword }])]))
  const server = launch([...wordsBefore(options, nobody), program, `--config-file=${join(folder, 'config.xml')}`])
  const close = async () => {
    await stop(server)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await ready(server)
  } catch (error) {
    await close()
    throw error
  }
  const [host = ''] = addresses
  const login = ['--host', host, '--port', String(ports.native), '--user', admin.name, '--password', admin.password]
  return {
    pid: server.pid ?? 0,
    ports,
    query(sql) {
      const [command = '', ...words] = [...wordsBefore(options, null), 'clickhouse-client', ...login, '--multiline']
      const done = spawnSync(command, words, { encoding: 'utf8', input: sql, maxBuffer: 1 << 28 })
      if (done.status !== 0) throw new Error(`clickhouse-client: ${done.stderr}${done.stdout}`)
      return done.stdout
    },
    [Symbol.asyncDispose]: close,
  }
}

function own(path: string): void {
  if (process.getuid?.() === 0) chownSync(path, nobody, nobody)
}

async function choosePorts({ ports, certificate }: ClickHouseOptions): Promise<ClickHousePorts> {
  return {
    native: ports?.native ?? (await freePort()),
    nativeTls: certificate ? (ports?.nativeTls ?? (await freePort())) : 0,
    http: ports?.http ?? (await freePort()),
    https: certificate ? (ports?.https ?? (await freePort())) : 0,
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

interface Layout {
  readonly folder: string
  readonly addresses: readonly string[]
  readonly ports: ClickHousePorts
}

function configuration({ folder, addresses, ports }: Layout): string {
  const secure = `
  <tcp_port_secure>${ports.nativeTls}</tcp_port_secure>
  <https_port>${ports.https}</https_port>
  <openSSL><server>
    <certificateFile>${folder}/cert.pem</certificateFile>
    <privateKeyFile>${folder}/key.pem</privateKeyFile>
    <verificationMode>none</verificationMode>
    <loadDefaultCAFile>false</loadDefaultCAFile>
    <disableProtocols>sslv2,sslv3</disableProtocols>
  </server></openSSL>`
  return `<?xml version="1.0"?>
<yandex>
  <logger><level>information</level><console>1</console></logger>
  ${addresses.map((address) => `<listen_host>${address}</listen_host>`).join('')}
  <tcp_port>${ports.native}</tcp_port>
  <http_port>${ports.http}</http_port>${ports.nativeTls === 0 ? '' : secure}
  <path>${folder}/data/</path>
  <tmp_path>${folder}/tmp/</tmp_path>
  <user_files_path>${folder}/files/</user_files_path>
  <format_schema_path>${folder}/schemas/</format_schema_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <timezone>UTC</timezone>
  <mark_cache_size>5368709</mark_cache_size>
</yandex>
`
}

function usersFile(users: NonNullable<ClickHouseOptions['users']>): string {
  const lines = users.map(
    ({ name, password }) =>
      `<${name}><password>${password}</password><networks><ip>::/0</ip></networks>` +
      `<profile>default</profile><quota>default</quota></${name}>`,
  )
  return `<?xml version="1.0"?>
<yandex>
  <profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
  <users>${lines.join('\n')}</users>
  <quotas><default></default></quotas>
</yandex>
`
}

/** The words that run a program in another network and, on a machine where this is root, as somebody else. */
function wordsBefore({ networkOf }: ClickHouseOptions, user: number | null): readonly string[] {
  const network = networkOf === undefined ? [] : ['nsenter', '-t', String(networkOf), '--net', '--']
  if (user === null || process.getuid?.() !== 0) return network
  return [...network, 'setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--']
}

function launch([command = '', ...words]: readonly string[]): ChildProcess {
  return spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
}

const deadlineMs = 30_000

/** The server says so itself; what it writes later is read and dropped, or it would stand still. */
async function ready(server: ChildProcess): Promise<void> {
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`clickhouse-server ${why}:\n${said.slice(-30).join('\n')}`))
    const timer = setTimeout(fail, deadlineMs, 'did not come up')
    server.once('error', reject)
    server.once('exit', (code) => fail(`ended with ${code}`))
    for (const stream of [server.stdout, server.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        if (said.length < 1000) said.push(line)
        if (!line.includes('Ready for connections')) return
        clearTimeout(timer)
        resolve()
      })
    }
  })
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = new Promise((resolve) => server.once('exit', resolve))
  // its orderly end waits for connections; nothing in its folder is kept
  server.kill('SIGKILL')
  await ended
}
