import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { projectRoot, start } from '../support/program.ts'
import { makeNamespace, mayIsolate } from './namespace.ts'

/** Set in a process that runs in a namespace without a way out. */
const mark = 'CLAWPATROL_TEST_ISOLATED'
const wholeFileMs = 600_000

/**
 * Tests that run tsnet in their own process. The file runs a second time, in a network namespace with nothing but
 * loopback and a default route that leads nowhere; outside there is one test, which passes when those inside do.
 * @param file `import.meta.url` of the test file, which must hold nothing else
 */
export function describeIsolated(subject: string, file: string, tests: () => void): void {
  if (process.env[mark] !== undefined) {
    describe(subject, tests)
    return
  }
  const title = `${subject}, in a namespace without a way out`
  if (!mayIsolate()) {
    process.stderr.write(`NOT TESTED: ${title}: needs root and ip, nsenter, unshare\n`)
    it.skip(title)
    return
  }
  it(title, { timeout: wholeFileMs }, async ({ onTestFinished }) => {
    const namespace = await makeNamespace('isolated')
    onTestFinished(() => namespace[Symbol.asyncDispose]())
    const vitest = `${projectRoot}/node_modules/vitest/vitest.mjs`
    const words = namespace.within([process.execPath, vitest, 'run', '--root', projectRoot, fileURLToPath(file)])
    const inside = start(words[0] ?? '', words.slice(1), { ...process.env, [mark]: '1', NO_COLOR: '1' })
    onTestFinished(() => inside[Symbol.asyncDispose]())
    const done = await inside.finished
    if (done.code !== 0) throw new Error(`inside the namespace:\n${done.stdout}\n${done.stderr}`)
  })
}
