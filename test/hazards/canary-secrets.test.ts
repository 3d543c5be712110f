import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeAuthority } from '../support/authority.ts'
import { type EchoUpstream, echoForms, startEchoUpstream } from '../support/echo-upstream.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { environmentOf, memoryOf, processesWith } from '../support/processes.ts'
import type { Running } from '../support/program.ts'
import { foundIn, foundInFiles } from '../support/traces.ts'
import { until } from '../support/until.ts'

const canaries = {
  bearer: 'canary/bearer+7d1f0a93c5',
  header: 'canary/header+e02b8846aa',
  cookie: 'canary.cookie.19f3d7c2b4',
  basic: 'canary/basic+5c6a0be911',
  environment: 'canary/environment+41bd97',
}
const client = fileURLToPath(new URL('clients/ask_all.py', import.meta.url))

describe('P1: no secret byte reaches the agent', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-canary-'))
  let upstream: EchoUpstream
  let lab: Lab
  let agent: Running
  let secrets: readonly string[] = []

  beforeAll(async () => {
    const hosts = [...Object.keys(canaries), 'certificate'].map(hostOf)
    const authority = makeAuthority(folder, hosts)
    const certificateKey = authority.key.split('\n')[1] ?? ''
    secrets = [...Object.values(canaries), certificateKey]
    upstream = await startEchoUpstream(authority)
    const { environment: fromEnvironment, ...stored } = canaries
    lab = await startLab({
      names: hosts,
      policy: () => policy(upstream.port, authority.caFile),
      secrets: { ...stored, 'certificate:cert': authority.cert, 'certificate:key': authority.key },
      gatewayEnv: { CLAWPATROL_LOG: 'debug', CLAWPATROL_SECRET_ENVIRONMENT: fromEnvironment },
    })
    const urls = hosts.flatMap((host) => echoForms.map((form) => `https://${host}/echo?as=${form}`))
    agent = lab.startRun(['python3', client, ...urls])
    await agent.saw(/asked all/, 30_000)
  })

  afterAll(async () => {
    agent?.child.kill('SIGTERM')
    await agent?.finished
    await lab?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  it('though every credential was used', () => {
    const missing = Object.values(canaries).filter((canary) => !upstream.seen.some((value) => value.includes(canary)))
    expect(missing).toEqual([])
    expect(agent.output().match(/^(200|500) /gm)).toHaveLength(echoForms.length * 6)
  })

  it('in no response, whatever form an upstream hands it back in', () => {
    expect(foundIn(agent.output(), secrets)).toEqual([])
  })

  it('nor does it reach the memory of the agent, of run or of its helpers', async () => {
    const pids = await until('the agent and what runs it are there', () => {
      const found = processesWith(client)
      return found.length >= 2 && found
    })
    const found = pids.flatMap((pid) => [...memoryOf(pid)].flatMap((mapping) => foundIn(mapping, secrets)))
    expect(found).toEqual([])
    const own = pids.some((pid) => [...memoryOf(pid)].some((mapping) => mapping.includes('Bearer placeholder')))
    expect(own).toBe(true)
  })

  it('nor the records, in rows or in bytes', async () => {
    expect(foundIn(JSON.stringify(await lab.records()), secrets)).toEqual([])
    expect(foundInFiles(lab.stateDir, secrets)).toEqual([])
  })

  it('nor the log at its most talkative', () => {
    expect(lab.gateway.output()).toContain('ready')
    expect(foundIn(lab.gateway.output(), secrets)).toEqual([])
  })

  it('nor any environment or command line but the one it was given in', async () => {
    const wrapped = await lab.run(['env'])
    const exported = await lab.cli(['env'])
    expect(foundIn(wrapped.stdout + wrapped.stderr + exported.stdout + exported.stderr, secrets)).toEqual([])
    const { pid = 0 } = lab.gateway.child
    expect(foundIn(readFileSync(`/proc/${pid}/cmdline`), secrets)).toEqual([])
    const others = secrets.filter((secret) => secret !== canaries.environment)
    expect(foundIn(environmentOf(pid), others)).toEqual([])
  })

  it('nor the environment of an agent started where the gateway was', async () => {
    const env = { CLAWPATROL_SECRET_ENVIRONMENT: canaries.environment, CLAWPATROL_MASTER_PASSPHRASE: canaries.bearer }
    const inside = await lab.run(['sh', '-c', 'env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null; true'], { env })
    expect(foundIn(inside.stdout + inside.stderr, secrets)).toEqual([])
  })

  it('nor what the secret commands print', async () => {
    const listed = await lab.cli(['secret', 'list', '--json'])
    expect(listed.stdout).toContain('bearer')
    expect(foundIn(listed.stdout + listed.stderr, secrets)).toEqual([])
  })
})

function hostOf(credential: string): string {
  return `${credential}.example.test`
}

function policy(port: number, caFile: string): string {
  const types: { readonly [credential: string]: string } = {
    bearer: 'credential "bearer_token" "bearer" {',
    header: 'credential "header_token" "header" {\n  header = "X-Api-Key"',
    cookie: 'credential "cookie_token" "cookie" {\n  cookie_name = "session"',
    basic: 'credential "basic_auth" "basic" {\n  username = "agent"',
    environment: 'credential "bearer_token" "environment" {',
    certificate: 'credential "mtls_credential" "certificate" {',
  }
  const blocks = Object.entries(types).map(
    ([name, head]) => `
endpoint "https" "${name}-api" {
  hosts    = ["${hostOf(name)}"]
  upstream = "127.0.0.1:${port}"
  ca_cert  = "<<file:${caFile}>>"
}
${head}
  endpoint = https.${name}-api
}
`,
  )
  const names = Object.entries(types).map(([name, head]) => `${/"(\w+)"/.exec(head)?.[1]}.${name}`)
  return `${blocks.join('')}
profile "default" {
  credentials = [${names.join(', ')}]
}
`
}
