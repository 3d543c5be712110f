import { describe, expect, it } from 'vitest'
import { CoverageCollector, coverageLines } from './coverage.ts'
import { aPolicy } from './lab.fixture.ts'
import { runFixtures } from './run.ts'

const policy = await aPolicy(`
rule "reads" {
  endpoint  = https.api
  condition = "http.method == 'GET'"
  verdict   = "allow"
}
rule "private" {
  endpoint  = https.api
  condition = "http.path.startsWith('/private')"
  verdict   = "deny"
}
rule "dark" {
  endpoint  = https.api
  mode      = "shadow"
  priority  = 5
  condition = "http.path == '/dark'"
  verdict   = "deny"
}
rule "impossible" {
  endpoint  = https.api
  condition = "http.method == 'x' && 1 > 2"
  verdict   = "deny"
}
rule "depends" {
  endpoint  = https.api
  condition = "profile == 'nobody' || now.getHours() > 25"
  verdict   = "deny"
}
rule "unbound" {
  endpoint   = https.api
  credential = bearer_token.spare
  verdict    = "deny"
}
rule "off" {
  endpoint = https.api
  disabled = true
  verdict  = "deny"
}
rule "all" {
  endpoint  = https.api
  priority  = -1
  condition = "true || http.path == ''"
  verdict   = "deny"
}
rule "late" {
  endpoint = https.api
  priority = -2
  verdict  = "allow"
}`)

const fixture = (path: string, method: string) => ({
  path,
  content: JSON.stringify({ match: { verdict: 'allow' }, action: { host: 'api.test', http: { method, path } } }),
})

describe('coverage', () => {
  it('tells what is never exercised, can never fire, and contradicts itself', async () => {
    const collector = new CoverageCollector()
    const files = [fixture('/', 'GET'), fixture('/dark', 'GET'), fixture('/private', 'GET')]
    await runFixtures(policy, files, (path, outcome) => collector.observe(path, outcome))
    expect(coverageLines(collector.report(policy)).join('\n')).toMatchInlineSnapshot(`
      "coverage: 2 of 8 rule(s) exercised (25%)
        never exercised: rule "private" on https.api
        never exercised: rule "impossible" on https.api
        never exercised: rule "depends" on https.api
        never exercised: rule "unbound" on https.api
        never exercised: rule "all" on https.api
        never exercised: rule "late" on https.api
        can never fire: rule "impossible" on https.api: its condition is never true
        can never fire: rule "unbound" on https.api: its credential "spare" is not for the endpoint
        can never fire: rule "late" on https.api: rule "all" is tried before it and matches everything
        can never fire: rule "off" on https.api: it is disabled
        conflict: rules "reads" and "private" on https.api, both of priority 0, say different things of /private; the first one wins"
    `)
  })

  it('covers everything where there are no rules', async () => {
    const report = new CoverageCollector().report(await aPolicy())
    expect(report).toEqual({ rules: 0, exercised: 0, percent: 100, never: [], dead: [], conflicts: [] })
  })
})
