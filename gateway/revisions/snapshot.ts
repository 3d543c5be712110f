import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { ClawError } from '../../workers/contract/errors.ts'
import { loadFiles, readIncluded, revisionOf } from '../config/load.ts'

/** A file as it was. */
export interface KeptFile {
  /** Absolute. */
  readonly path: string
  /** As the gateway names it, maybe relative to where it runs. */
  readonly name: string
  /** Permission bits. */
  readonly mode: number
  /** Brought in by `<<file:…>>`; not a file of the configuration itself. */
  readonly isIncluded: boolean
  readonly bytes: Buffer
}

/** A configuration as it was on disk. */
export interface Snapshot {
  /** The file or directory the gateway is given; absolute. */
  readonly path: string
  readonly isDirectory: boolean
  readonly files: readonly KeptFile[]
}

/** Longest packed snapshot that is unpacked again, bytes: loads are not longer. */
const mostBytes = 256 * 1024 * 1024

/**
 * Reads a configuration and what it includes as they are now.
 * @param path file or directory, as the gateway is given it
 * @param included paths of included files
 */
export async function readSnapshot(path: string, included: readonly string[]): Promise<Snapshot> {
  const [loaded, found, brought] = await Promise.all([
    loadFiles(path),
    stat(path).catch(() => null),
    readIncluded(included),
  ])
  const keep = async (name: string, bytes: Uint8Array, isIncluded: boolean): Promise<KeptFile> => {
    const mode = ((await stat(name).catch(() => null))?.mode ?? 0o600) & 0o777
    return { path: resolve(name), name, mode, isIncluded, bytes: Buffer.from(bytes) }
  }
  return {
    path: resolve(path),
    isDirectory: found?.isDirectory() ?? false,
    files: await Promise.all([
      ...loaded.files.map(({ name, bytes }) => keep(name, bytes, false)),
      ...[...brought].map(([name, bytes]) => keep(name, bytes, true)),
    ]),
  }
}

/** The revision a configuration of these files has. */
export function snapshotRevision({ files }: Snapshot): string {
  const own = files.filter(({ isIncluded }) => !isIncluded)
  const included = files.filter(({ isIncluded }) => isIncluded)
  return revisionOf(own, new Map(included.map(({ name, bytes }) => [name, bytes])))
}

/** Directory relative names of `<<file:…>>` start from. */
export function directoryOf({ path, isDirectory }: Snapshot): string {
  return isDirectory ? path : dirname(path)
}

/** As bytes, compressed. */
export function packSnapshot(snapshot: Snapshot): Buffer {
  const files = snapshot.files.map(({ bytes, ...file }) => ({ ...file, bytes: bytes.toString('base64') }))
  return gzipSync(JSON.stringify({ ...snapshot, files }))
}

/** The reverse of `packSnapshot`. @throws ClawError CP_STORE when the bytes are something else */
export function unpackSnapshot(packed: Buffer): Snapshot {
  try {
    return shape.parse(JSON.parse(gunzipSync(packed, { maxOutputLength: mostBytes }).toString('utf8')))
  } catch (error) {
    throw new ClawError('CP_STORE', 'Cannot read the files of a revision: they are damaged', { cause: error })
  }
}

const absolute = z.string().refine((path) => resolve(path) === path)

const shape = z.strictObject({
  path: absolute,
  isDirectory: z.boolean(),
  files: z.array(
    z.strictObject({
      path: absolute,
      name: z.string(),
      mode: z.int().min(0).max(0o777),
      isIncluded: z.boolean(),
      bytes: z.base64().transform((text) => Buffer.from(text, 'base64')),
    }),
  ),
})
