import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const above = new URL('../../', import.meta.url)

/** Where command lines are run. */
export const root = fileURLToPath(above)

/** What one command line did. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const program = new URL('./main.ts', import.meta.url).href
const call = `import(process.argv[1]).then(async ({ main }) => {
  const { writeSync } = await import('node:fs')
  for (const words of JSON.parse(process.argv[2])) {
    const code = await main(words)
    for (const fd of [1, 2]) writeSync(fd, '\\u0000' + code + '\\u0000')
  }
})`

/** Words for node that run command lines; after each, NUL, its exit code and NUL go to stdout and stderr. */
export function argsOf(lines: readonly (readonly string[])[]): readonly string[] {
  return ['--import', 'tsx', '-e', call, program, JSON.stringify(lines)]
}

/** Runs command lines one after the other in one process, since starting one takes a second. */
export function runLines(lines: readonly (readonly string[])[], env = process.env): readonly Ran[] {
  const { stdout, stderr } = spawnSync(process.execPath, argsOf(lines), { cwd: root, encoding: 'utf8', env })
  const [out, err] = [stdout.split('\0'), stderr.split('\0')]
  return lines.map((_, at) => ({ code: Number(out[at * 2 + 1]), stdout: out[at * 2] ?? '', stderr: err[at * 2] ?? '' }))
}
