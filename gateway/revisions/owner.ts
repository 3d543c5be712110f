import { readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'

/** Who changed a configuration, as far as can be told: the owner of its newest file. null: none of them is there. */
export async function ownerOfNewest(paths: readonly string[]): Promise<string | null> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => null)))
  const newest = found
    .filter((state) => state !== null)
    .reduce<{ mtimeMs: number; uid: number } | null>(
      (best, state) => (best === null || state.mtimeMs > best.mtimeMs ? state : best),
      null,
    )
  return newest === null ? null : await userName(newest.uid)
}

async function userName(uid: number): Promise<string> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n')
  const found = lines.map((line) => line.split(':')).find((fields) => fields[2] === String(uid))
  if (found?.[0] !== undefined && found[0] !== '') return found[0]
  return uid === process.getuid?.() ? ownName(uid) : `uid ${uid}`
}

/** A user that some directory service knows, or nobody does. */
function ownName(uid: number): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${uid}`
  }
}
