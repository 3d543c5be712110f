// No source file may outgrow one concept: 400 lines is the end.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const most = 400
const sources = /\.(ts|tsx|mts|mjs|js|go|c|h)$/

/** @returns {string[]} one line for each file that is too long */
export function checkSizes(root) {
  return trackedFiles(root)
    .filter((file) => sources.test(file))
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > most)
    .map(({ file, lines }) => `${file}: ${lines} lines, ${most} at most`)
}

/** Files git knows or would add: what a fresh clone has plus what is being written. */
export function trackedFiles(root) {
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  })
  const deleted = new Set(
    spawnSync('git', ['ls-files', '--deleted', '-z'], { cwd: root, encoding: 'utf8' }).stdout.split('\0'),
  )
  return listed.stdout.split('\0').filter((file) => file !== '' && !deleted.has(file))
}
