import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A PostgreSQL server of its own. */
export interface PostgresServer extends Disposable {
  /** Folder of the socket; the superuser is `postgres`, without a password. */
  readonly socket: string
  readonly port: number
  /** Runs statements as the superuser; returns the rows as psql prints them unaligned. */
  query(sql: string): string
}

/** What differs between servers; by default there is a Unix socket and nothing else. */
export interface PostgresOptions {
  /** Addresses it listens on, where everybody gives a password (scram-sha-256). */
  readonly addresses?: readonly string[]
  readonly port?: number
  /** Process in whose network it runs. */
  readonly networkOf?: number
  /** More settings, as `log_statement=all`. */
  readonly settings?: readonly string[]
  /** Lines of pg_hba.conf that go before those for passwords. */
  readonly access?: readonly string[]
}

/** Where the server's programs are; null, said loudly, when there are none. */
export function postgresPrograms(subject: string): string | null {
  const asked = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' }).stdout?.trim()
  const releases = ['18', '17', '16', '15', '14'].map((release) => `/usr/lib/postgresql/${release}/bin`)
  const found = [asked, ...releases].find((folder) => folder && existsSync(join(folder, 'initdb')))
  if (found !== undefined) return found
  process.stderr.write(`NOT TESTED: ${subject}: needs a PostgreSQL server (postgresql)\n`)
  return null
}

const nobody = 65534

/** Starts a server in a folder of its own; as nobody when this is root, which it refuses to run as. */
export function startPostgres(programs: string, options: PostgresOptions = {}): PostgresServer {
  const { addresses = [], port = 5432, settings = [], access = [] } = options
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-pg-'))
  if (process.getuid?.() === 0) chownSync(folder, nobody, nobody)
  const data = join(folder, 'data')
  const said = (program: string, words: readonly string[], input?: string) => {
    const [command = '', ...rest] = [...wordsBefore(options), join(programs, program), ...words]
    const done = spawnSync(command, rest, { cwd: folder, encoding: 'utf8', stdio: 'pipe', ...(input && { input }) })
    if (done.status !== 0) throw new Error(`${program}: ${done.stderr}${done.stdout}`)
    return done.stdout
  }
  const fixed = ['fsync=off', 'wal_level=minimal', 'max_wal_senders=0', 'autovacuum=off', `port=${port}`]
  const all = [...fixed, `listen_addresses=${addresses.join(',')}`, ...settings].map((setting) => `-c ${setting}`)
  try {
    said('initdb', ['-D', data, '-N', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-instructions'])
    const lines = ['local all all trust', ...access, 'host all all all scram-sha-256', '']
    writeFileSync(join(data, 'pg_hba.conf'), lines.join('\n'))
    said('pg_ctl', ['-D', data, '-w', '-o', `-k ${folder} ${all.join(' ')}`, '-l', join(folder, 'log'), 'start'])
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return {
    socket: folder,
    port,
    query: (sql) =>
      said('psql', ['-h', folder, '-p', String(port), '-U', 'postgres', '-qAtX', '-v', 'ON_ERROR_STOP=1'], sql),
    [Symbol.dispose]() {
      said('pg_ctl', ['-D', data, '-w', '-m', 'immediate', 'stop'])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The words that run a program as nobody where this is root, and in another network. */
function wordsBefore({ networkOf }: PostgresOptions): readonly string[] {
  if (process.getuid?.() !== 0) return []
  const network = networkOf === undefined ? [] : ['nsenter', '-t', String(networkOf), '--net', '--']
  return [...network, 'setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--']
}
