import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Problem } from './diagnostics.ts'
import { loadPolicy } from './load-policy.ts'
import type { Policy } from './policy.ts'
import { type ConfigWatch, watchConfig } from './watch.ts'

const text = (port: number) => `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.55.0.0/24"
    endpoint    = "127.0.0.1:${port}"
  }
}
profile "default" {
  credentials = []
}
`
type Heard = { readonly policy: Policy } | { readonly problems: readonly Problem[] }

describe('watchConfig()', () => {
  let directory = ''
  let path = ''
  let watch: ConfigWatch | undefined
  let heard: Heard[] = []
  let wake: () => void = () => undefined

  const listen = async (pollMs = 20) => {
    const current = await loadPolicy(path)
    const hear = (each: Heard) => {
      heard.push(each)
      wake()
    }
    const onPolicy = (policy: Policy) => hear({ policy })
    watch = watchConfig(path, onPolicy, (problems) => hear({ problems }), { current, pollMs })
  }
  const next = async (): Promise<Heard> => {
    while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return heard.shift() as Heard
  }
  const portOf = (each: Heard) => ('policy' in each ? each.policy.gateway.wireguard?.endpoint.port : null)

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-watch-'))
    path = join(directory, 'gateway.hcl')
    writeFileSync(path, text(1))
    heard = []
  })
  afterEach(async () => {
    await watch?.[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true })
  })

  it('announces a changed file', async () => {
    await listen()
    writeFileSync(path, text(2))
    expect(portOf(await next())).toBe(2)
  })

  it('announces a file replaced by one with an older time', async () => {
    await listen()
    const other = join(directory, 'other')
    writeFileSync(other, text(3))
    utimesSync(other, new Date(0), new Date(0))
    renameSync(other, path)
    expect(portOf(await next())).toBe(3)
  })

  it('changes nothing on a bad file, tells its problems, and takes the next good one', async () => {
    await listen()
    writeFileSync(path, `${text(4)}nonsense = 1\n`)
    const bad = await next()
    expect('problems' in bad && bad.problems[0]?.message).toMatch(/nonsense/)
    writeFileSync(path, text(5))
    expect(portOf(await next())).toBe(5)
  })

  it('takes no policy that this version cannot serve', async () => {
    await listen()
    writeFileSync(path, `${text(4)}plugin "x" {\n  source = "/opt/x"\n}\n`)
    const bad = await next()
    expect('problems' in bad && bad.problems[0]?.message).toBe('plugin "x" cannot be run by this version yet')
  })

  it('notices a file written between the load and the watch', async () => {
    const current = await loadPolicy(path)
    writeFileSync(path, text(6))
    watch = watchConfig(
      path,
      (policy) => {
        heard.push({ policy })
        wake()
      },
      () => undefined,
      { current, pollMs: 20 },
    )
    expect(portOf(await next())).toBe(6)
  })

  it('reloads on SIGHUP, and does not announce the same policy again', async () => {
    await listen(60_000)
    await watch?.reload()
    expect(heard).toEqual([])
    writeFileSync(path, text(7))
    process.emit('SIGHUP')
    expect(portOf(await next())).toBe(7)
  })

  it('follows a directory, files inside included', async () => {
    path = directory
    await listen()
    writeFileSync(join(directory, 'more.hcl'), 'profile "second" {\n  credentials = []\n}\n')
    const grown = await next()
    expect('policy' in grown && grown.policy.profiles.size).toBe(2)
    writeFileSync(join(directory, 'gateway.hcl'), text(8))
    expect(portOf(await next())).toBe(8)
  })

  it('says nothing after it was closed', async () => {
    await listen()
    await watch?.[Symbol.asyncDispose]()
    writeFileSync(path, text(9))
    await watch?.reload()
    expect(heard).toEqual([])
  })
})
