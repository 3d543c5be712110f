import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeAuthority } from '../support/authority.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { oneApi } from '../support/one-api.ts'
import { until } from '../support/until.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

const host = 'api.example.test'
const token = 'kill-token-24f7'
const client = fileURLToPath(new URL('clients/count_up.py', import.meta.url))

describe('P8: a gateway that is killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-kill-'))
  let upstream: Upstream
  let lab: Lab

  beforeAll(async () => {
    const authority = makeAuthority(folder, [host])
    upstream = await startUpstream(authority, token)
    lab = await startLab({
      names: [host],
      secrets: { token },
      policy: () =>
        oneApi(
          { host, port: upstream.port, caFile: authority.caFile },
          `rule "odd" {
  endpoint  = https.api
  condition = "http.path.startsWith('/odd/')"
  verdict   = "deny"
  reason    = "odd"
}
`,
        ),
    })
  })

  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const titles = async () => (await lab.records()).map(({ title }) => String(title))

  it('while it records loses nothing that was on record', async () => {
    const counting = lab.startRun(['python3', client, host])
    await counting.saw(/answered 150\b/, 30_000)
    const before = await titles()
    expect(before.length).toBeGreaterThan(50)
    await lab.stop('SIGKILL')
    counting.child.kill('SIGTERM')
    await counting.finished
    await lab.restart()
    const after = await titles()
    expect(after.slice(0, before.length)).toEqual(before)
    const reached = upstream.received.map(({ path }) => path)
    expect(reached.length).toBeGreaterThan(50)
    // the last milliseconds of a process that is killed are in no file yet
    const settled = reached.slice(0, -20)
    expect(settled.filter((path) => !after.some((title) => title.endsWith(path)))).toEqual([])
    expect(reached.filter((path) => path.startsWith('/odd/'))).toEqual([])
  })

  it('leaves no record open, and works again for the joined device within 5 s', async () => {
    await lab.stop('SIGKILL')
    const begun = performance.now()
    await lab.restart()
    const done = await lab.run(['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', `https://${host}/again`])
    expect(done).toMatchObject({ code: 0, stdout: '200' })
    expect(performance.now() - begun).toBeLessThan(5000)
    const open = (await lab.records()).filter(({ status }) => status === null)
    expect(open).toEqual([])
  })

  it('ends its agents instead of leaving them outside of the tunnel', async () => {
    const waiting = lab.startRun(['sh', '-c', `echo ready; cat; curl -sS --max-time 3 https://${host}/outside`], null)
    await waiting.saw(/ready/)
    const before = upstream.received.length
    await lab.stop('SIGKILL')
    waiting.child.stdin?.end()
    expect((await waiting.finished).code).not.toBe(0)
    expect(upstream.received).toHaveLength(before)
    await lab.restart()
  })

  it('stopped in order ends live connections, says so on record, and exits with 0', async () => {
    const stream = lab.startRun(['curl', '-sSN', `https://${host}/endless`])
    await stream.saw(/data: more/)
    expect(await lab.stop('SIGTERM')).toMatchObject({ code: 0 })
    expect((await stream.finished).code).not.toBe(0)
    await lab.restart()
    const ended = await until('the stream is on record', async () =>
      (await lab.records()).find(({ title }) => String(title).includes('/endless')),
    )
    expect(ended).toMatchObject({ status: 'error', error: 'the gateway is stopping' })
  })
})
