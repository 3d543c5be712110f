import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate and its key, PEM. */
export type Pair = { readonly cert: string; readonly key: string }

/** An authority of the tests. */
export interface Pki extends Disposable {
  readonly ca: string
  readonly caFile: string
  /** Makes a certificate of the authority; names may be IPv4 addresses; the first is its CN. */
  issue(...names: string[]): Pair
  /** Makes one that only vouches for itself; more words for openssl where the key is to be another. */
  selfSigned(name: string, ...words: string[]): Pair
}

/** A PostgreSQL server of its own on 127.0.0.1; the superuser `postgres` is let in over its Unix socket. */
export interface PostgresServer extends Disposable {
  readonly port: number
  /** Folder of the Unix socket. */
  readonly socket: string
  /** Runs statements as the superuser; what psql printed, columns split by `|`. */
  sql(text: string, database?: string): string
}

/** What differs between servers. */
export interface ServerOptions {
  /** Lines of pg_hba.conf for TCP; all are let in when not set. */
  readonly hba?: readonly string[]
  /** Switches TLS on. */
  readonly certificate?: Pair
  /** PEM roots client certificates must chain to. */
  readonly clientCa?: string
  /** Statements run at the start. */
  readonly setup?: string
  /** More settings, `name=value`. */
  readonly settings?: readonly string[]
}

const nobody = 65534
const asNobody = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
/** A cluster as initdb makes it, for all servers of this process to copy; gone with the last of them. */
let template: string | null = null
let servers = 0

/** Where the server's programs are; null, said loudly, when there are none. */
export function postgresPrograms(subject: string): string | null {
  const asked = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim()
  const releases = ['18', '17', '16', '15', '14'].map((release) => `/usr/lib/postgresql/${release}/bin`)
  const found = [asked, ...releases].find((folder) => folder && existsSync(join(folder, 'initdb')))
  if (found !== undefined) return found
  process.stderr.write(`NOT TESTED: ${subject}: needs a PostgreSQL server (postgresql)\n`)
  return null
}

/** Starts a server in a folder of its own; as nobody when this is root, which it refuses to run as. */
export async function startServer(programs: string, options: ServerOptions = {}): Promise<PostgresServer> {
  const folder = scratch('clawpatrol-pg-')
  const data = join(folder, 'data')
  const log = join(folder, 'log')
  const control = (...words: string[]) => runAs(join(programs, 'pg_ctl'), ['-D', data, '-w', ...words], folder)
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    own(join(folder, name))
    return join(folder, name)
  }
  servers += 1
  cpSync(join(clusterTemplate(programs), 'data'), data, { recursive: true })
  const remove = () => {
    rmSync(folder, { recursive: true, force: true })
    servers -= 1
    if (servers > 0 || template === null) return
    rmSync(template, { recursive: true, force: true })
    template = null
  }
  if (asNobody.uid !== undefined) run('chown', ['-R', `${nobody}:${nobody}`, data])
  chmodSync(data, 0o700)
  const { hba = ['host all all 127.0.0.1/32 trust'], certificate, clientCa, settings = [] } = options
  writeFileSync(join(data, 'pg_hba.conf'), ['local all postgres trust', ...hba, ''].join('\n'))
  const port = await freePort()
  const given = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'autovacuum=off',
    'wal_level=minimal',
    'max_wal_senders=0',
    ...(certificate === undefined
      ? []
      : [
          'ssl=on',
          `ssl_cert_file=${write('server.pem', certificate.cert)}`,
          `ssl_key_file=${write('server.key', certificate.key)}`,
          ...(clientCa === undefined ? [] : [`ssl_ca_file=${write('clients.pem', clientCa)}`]),
        ]),
    ...settings,
  ]
  try {
    control('-o', given.map((setting) => `-c ${setting}`).join(' '), '-l', log, 'start')
  } catch (error) {
    const said = existsSync(log) ? readFileSync(log, 'utf8') : ''
    remove()
    throw new Error(`${error}\n${said}`)
  }
  const server: PostgresServer = {
    port,
    socket: folder,
    sql(text, database = 'postgres') {
      const to = ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-p', `${port}`, '-U', 'postgres']
      return run(join(programs, 'psql'), [...to, '-d', database, '-c', text]).trim()
    },
    [Symbol.dispose]() {
      try {
        control('-m', 'immediate', 'stop')
      } finally {
        remove()
      }
    },
  }
  try {
    if (options.setup !== undefined) server.sql(options.setup)
  } catch (error) {
    server[Symbol.dispose]()
    throw error
  }
  return server
}

/** Makes an authority in a folder of its own. */
export function makePki(): Pki {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-pki-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3']
  const read = (name: string) => readFileSync(join(dir, name), 'utf8')
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test CA')
  return {
    ca: read('ca.pem'),
    caFile: join(dir, 'ca.pem'),
    issue(...names) {
      const alternative = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',')
      writeFileSync(join(dir, 'ext'), `subjectAltName=${alternative}\n`)
      openssl('req', ...key, '-keyout', 'x.key', '-out', 'x.csr', '-subj', `/CN=${names[0]}`)
      const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '3', '-extfile', 'ext']
      openssl('x509', '-req', '-in', 'x.csr', ...by, '-out', 'x.pem')
      return { cert: read('x.pem'), key: read('x.key') }
    },
    selfSigned(name, ...words) {
      const made = words.length > 0 ? ['-nodes', '-days', '3', ...words] : key
      const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
      openssl('req', '-x509', ...made, '-keyout', 's.key', '-out', 's.pem', ...subject)
      return { cert: read('s.pem'), key: read('s.key') }
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  }
}

function clusterTemplate(programs: string): string {
  if (template !== null) return template
  const folder = scratch('clawpatrol-pg-template-')
  const words = ['-N', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-instructions']
  runAs(join(programs, 'initdb'), ['-D', join(folder, 'data'), ...words], folder)
  template = folder
  return folder
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function scratch(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  own(folder)
  return folder
}

function own(path: string): void {
  if (asNobody.uid !== undefined) chownSync(path, nobody, nobody)
}

function runAs(program: string, words: readonly string[], cwd: string): string {
  return run(program, words, { ...asNobody, cwd })
}

function run(program: string, words: readonly string[], options: { uid?: number; gid?: number; cwd?: string } = {}) {
  const done = spawnSync(program, words, { ...options, encoding: 'utf8', stdio: 'pipe' })
  if (done.status !== 0) throw new Error(`${program}: ${done.stderr}${done.stdout}`)
  return done.stdout
}
