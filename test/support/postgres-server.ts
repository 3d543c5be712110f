import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A PostgreSQL server of its own, on a Unix socket. */
export interface PostgresServer extends Disposable {
  /** Folder of the socket; the superuser is `postgres`, without a password. */
  readonly socket: string
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

/** Starts a server in a folder of its own; as nobody when this is root, which it refuses to run as. */
export function startPostgres(programs: string): PostgresServer {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-pg-'))
  const nobody = 65534
  const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
  if ('uid' in user) chownSync(folder, nobody, nobody)
  const data = join(folder, 'data')
  const run = (program: string, words: readonly string[]) => {
    const done = spawnSync(join(programs, program), words, { ...user, cwd: folder, encoding: 'utf8', stdio: 'pipe' })
    if (done.status !== 0) throw new Error(`${program}: ${done.stderr}${done.stdout}`)
  }
  const settings = `-c listen_addresses= -k ${folder} -c fsync=off -c wal_level=minimal -c max_wal_senders=0`
  try {
    run('initdb', ['-D', data, '-N', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-instructions'])
    run('pg_ctl', ['-D', data, '-w', '-o', `${settings} -c autovacuum=off`, '-l', join(folder, 'log'), 'start'])
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return {
    socket: folder,
    [Symbol.dispose]() {
      run('pg_ctl', ['-D', data, '-w', '-m', 'immediate', 'stop'])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
