import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A program that was compiled for a test. */
export interface GoProgram extends Disposable {
  readonly path: string
}

/**
 * Compiles a client written in Go; its modules are fetched where they are not there yet.
 * @param folder with its go.mod
 * @returns null, said loudly, when there is no Go
 */
export function goProgram(folder: string, subject: string): GoProgram | null {
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' }
  if (spawnSync('go', ['version'], { env }).status !== 0) {
    process.stderr.write(`NOT TESTED: ${subject}: needs Go\n`)
    return null
  }
  const made = mkdtempSync(join(tmpdir(), 'clawpatrol-go-'))
  const path = join(made, 'program')
  const remove = () => rmSync(made, { recursive: true, force: true })
  const built = spawnSync('go', ['build', '-o', path, '.'], { cwd: folder, env, encoding: 'utf8' })
  if (built.status === 0) return { path, [Symbol.dispose]: remove }
  remove()
  throw new Error(`go build in ${folder}: ${built.stderr}`)
}
