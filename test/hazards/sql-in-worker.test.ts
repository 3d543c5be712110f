import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { workerFiles } from '../../gateway/pool/entry-url.ts'
import { workerFlags } from '../../gateway/pool/permissions.ts'

const { readable, entry } = workerFiles()
const workers = join(entry, '..')

/** What the thread does: closes everything, and only then loads what takes SQL apart. */
const script = `
  const { parentPort } = require('node:worker_threads')
  const port = parentPort
  void (async () => {
    const { lockDown } = await import(${link('lockdown.js')})
    lockDown()
    const { loadAnalyser } = await import(${link('protocols/postgres/statement.js')})
    const analyse = await loadAnalyser()
    port.postMessage(analyse('delete from t').map(({ facts }) => facts.verbs))
  })().catch((error) => port.postMessage(String(error)))
`

it('SQL is taken apart in a thread that is locked down like a decoder', async () => {
  expect(existsSync(join(workers, 'protocols/postgres/statement.js')), 'run npm run build').toBe(true)
  const worker = new Worker(script, {
    eval: true,
    env: {},
    execArgv: workerFlags(readable),
    resourceLimits: { maxOldGenerationSizeMb: 128, stackSizeMb: 4 },
  })
  try {
    const answer = await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    expect(answer).toEqual([['delete']])
  } finally {
    await worker.terminate()
  }
})

function link(file: string): string {
  return JSON.stringify(pathToFileURL(join(workers, file)).href)
}
