import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Surroundings } from './lab.ts'

const isRoot = process.geteuid?.() === 0

/** A gateway whose state directory is a file system of its own, in a mount namespace nobody else sees. */
export function smallState(megabytes: number): Surroundings {
  const flags = isRoot ? ['-m'] : ['-rm']
  const inside = isRoot ? ['-m'] : ['-U', '-m', '--preserve-credentials']
  return {
    starting: (words, { dir }) => {
      const state = join(dir, 'state')
      const setup = `mkdir -p "$0" && mount -t tmpfs -o mode=0700,size=${megabytes}m tmpfs "$0" && exec "$@"`
      return ['unshare', ...flags, 'sh', '-c', setup, state, ...words]
    },
    beside: (words, pid) => ['nsenter', '-t', String(pid), ...inside, '--', ...words],
  }
}

/** Takes every byte that is left in the state directory of a gateway's own file system. @returns how to give it back */
export function fillState(pid: number, stateDir: string): () => void {
  const path = `/proc/${pid}/root${stateDir}/filler`
  const chunk = Buffer.alloc(64 * 1024, 1)
  for (const size of [chunk.length, 4096, 1]) {
    try {
      for (;;) writeFileSync(path, chunk.subarray(0, size), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
  return () => rmSync(path)
}
