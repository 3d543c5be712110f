import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Does something with a file as the user who owns it or its place: run by root, that user's links lead only where that
 * user may write. Other users are whoever they are.
 * @param directory where the owner's say begins; directories above it are not asked
 * @param path in the directory, or the directory itself
 * @param work nothing asynchronous: the whole process is that user meanwhile
 */
export function asOwnerOf<T>(directory: string, path: string, work: () => T): T {
  const { geteuid, getgroups, setgroups, setegid, seteuid, getegid } = process
  if (geteuid?.() !== 0 || !getgroups || !setgroups || !setegid || !seteuid || !getegid) return work()
  const owner = ownerOf(directory, path)
  if (owner === null) return work()
  const [group, groups] = [getegid(), getgroups()]
  setgroups([owner.gid])
  setegid(owner.gid)
  seteuid(owner.uid)
  try {
    return work()
  } finally {
    seteuid(0)
    setegid(group)
    setgroups(groups)
  }
}

/** The first one on the way down who is not root; links count as themselves. null: root alone may change it. */
function ownerOf(directory: string, path: string): { readonly uid: number; readonly gid: number } | null {
  const way: string[] = []
  for (let at = path; ; at = dirname(at)) {
    way.unshift(at)
    if (at === directory || at === dirname(at)) break
  }
  const found = way.map((each) => lstatSync(each, { throwIfNoEntry: false }))
  return found.find((state) => state !== undefined && state.uid !== 0) ?? null
}
