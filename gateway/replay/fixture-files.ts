import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ClawError } from '../../workers/contract/errors.ts'
import type { FixtureFile } from './run.ts'

/** Files that are read at the same time. */
const batch = 256

/**
 * Reads a fixture file, or every `*.json` directly in a directory, sorted by name.
 * @throws ClawError CP_CONFIG when there is none
 */
export async function readFixtures(path: string): Promise<readonly FixtureFile[]> {
  const paths = await listFixtures(path)
  if (paths.length === 0) throw new ClawError('CP_CONFIG', `no fixtures: ${path} has no .json file directly in it`)
  const files: FixtureFile[] = []
  for (let at = 0; at < paths.length; at += batch)
    files.push(...(await Promise.all(paths.slice(at, at + batch).map(readOne))))
  return files
}

async function listFixtures(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const entries = await readdir(path, { withFileTypes: true })
    const names = entries
      .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.json'))
      .map(({ name }) => name)
    return names.sort().map((name) => join(path, name))
  } catch (error) {
    throw new ClawError('CP_CONFIG', `no fixtures: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function readOne(path: string): Promise<FixtureFile> {
  try {
    return { path, content: await readFile(path, 'utf8') }
  } catch (error) {
    return { path, content: error instanceof Error ? error : new Error(String(error)) }
  }
}
