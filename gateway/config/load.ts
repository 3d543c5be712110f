import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Problem, plainProblem } from './diagnostics.ts'
import type { SourceFile } from './hcl/parse.ts'

/** The files of one configuration as they are on disk. */
export interface LoadedFiles {
  readonly files: readonly SourceFile[]
  /** Where `<<file:NAME>>` starts from. */
  readonly directory: string
  /** What to look at for changes: the files, and the directory when one was given. */
  readonly watched: readonly string[]
  readonly problems: readonly Problem[]
}

/** More than this is not a policy anyone wrote, bytes. */
const mostBytes = 64 * 1024 * 1024

/** The plugin lockfile lies beside the configuration and is none. */
const lockfile = 'clawpatrol.lock.hcl'

/** Reads one file, or the `*.hcl` files directly in a directory in the order of their names. */
export async function loadFiles(path: string): Promise<LoadedFiles> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return await loadDirectory(path)
    if (!found.isFile()) return failed(path, `Cannot read ${path}: neither a file nor a directory`)
    return checked(dirname(path), [path], [{ name: path, bytes: await readFile(path) }])
  } catch (error) {
    return failed(path, `Cannot read ${path}: ${reasonOf(error)}`)
  }
}

/** Hash over the bytes of files, included ones by path: lower-case hex SHA-256; of one file alone it is that file's. */
export function revisionOf(files: readonly SourceFile[], included: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash('sha256')
  for (const { bytes } of files) hash.update(bytes)
  for (const path of [...included.keys()].sort()) hash.update(included.get(path) ?? '')
  return hash.digest('hex')
}

/** Hash over everything a load reads, to tell whether another load could come out differently. */
export function contentOf({ files, problems }: LoadedFiles, included: ReadonlyMap<string, Uint8Array>): string {
  const told = [...files.map(({ name }) => name), ...problems.map(({ message }) => message), ...included.keys()]
  return `${revisionOf(files, included)} ${createHash('sha256').update(told.sort().join('\n')).digest('hex')}`
}

/** Reads files that are included; one that cannot be read is left out. */
export async function readIncluded(paths: readonly string[]): Promise<Map<string, Uint8Array>> {
  const read = new Map<string, Uint8Array>()
  for (const path of paths) {
    const bytes = await readFile(path).catch(() => null)
    if (bytes !== null) read.set(path, bytes)
  }
  return read
}

/** Why the file system refused, without the path in it. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'it does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  return code ?? (error instanceof Error ? error.message : String(error))
}

async function loadDirectory(directory: string): Promise<LoadedFiles> {
  const entries = await readdir(directory, { withFileTypes: true })
  const wanted = entries.filter(({ name }) => name.endsWith('.hcl') && !name.startsWith('.') && name !== lockfile)
  const files: SourceFile[] = []
  for (const name of wanted.map((entry) => entry.name).sort()) {
    const path = join(directory, name)
    if ((await stat(path)).isFile()) files.push({ name: path, bytes: await readFile(path) })
  }
  if (files.length === 0) return failed(directory, `${directory} holds no configuration: no file in it ends with .hcl`)
  return checked(directory, [directory, ...files.map(({ name }) => name)], files)
}

function checked(directory: string, watched: readonly string[], files: readonly SourceFile[]): LoadedFiles {
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
  if (total <= mostBytes) return { files, directory, watched, problems: [] }
  const what = files.length === 1 ? basename(files[0]?.name ?? '') : 'the configuration'
  return { files: [], directory, watched, problems: [plainProblem(`${what} has ${total} bytes, ${mostBytes} at most`)] }
}

function failed(path: string, message: string): LoadedFiles {
  return { files: [], directory: path, watched: [path], problems: [plainProblem(message)] }
}
