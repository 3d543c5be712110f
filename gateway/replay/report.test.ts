import { describe, expect, it } from 'vitest'
import { junitReport } from './junit.ts'
import { aPolicy } from './lab.fixture.ts'
import { reportLines, reportObject } from './report.ts'
import { type FixtureFile, runFixtures } from './run.ts'
import { updatedText } from './update-fixtures.ts'

const policy = await aPolicy(`
rule "no-deletes" {
  endpoint  = https.api
  condition = "http.method == 'delete'"
  verdict   = "deny"
  reason    = "deleting is off"
}`)

const file = (path: string, match: object, method = 'GET', host = 'api.test'): FixtureFile => ({
  path,
  content: JSON.stringify({ match, action: { host, http: { method, path: '/' } } }),
})
const files: readonly FixtureFile[] = [
  file('f/1.json', { verdict: 'allow' }),
  file('f/2.json', { verdict: 'allow', rule: 'x', endpoint: 'https.api' }, 'DELETE'),
  file('f/3.json', { verdict: 'allow', reason: 'deleting is off' }, 'DELETE'),
  { path: 'f/4.json', content: '{"match":1,"action":{}}' },
  file('f/5.json', { verdict: 'passthrough' }, 'GET', 'elsewhere.test'),
  file('f/6.json', { verdict: 'allow' }, 'GET', 'elsewhere.test'),
  { path: 'f/7.json', content: new Error('permission denied') },
]
const results = await runFixtures(policy, files)

describe('reportLines()', () => {
  it('keeps a path or a problem from beginning a line or colouring the terminal', async () => {
    const sly = { path: 'f/\nok   f/\u001b[32mx\u202e.json', content: '{"match\n0 mismatch(es)' }
    expect(reportLines(await runFixtures(policy, [sly])).map((line) => /\p{C}/u.test(line))).toEqual([false, false])
  })

  it('aligns what was wanted and what was got', () => {
    expect(reportLines(results).join('\n')).toMatchInlineSnapshot(`
      "ok   f/1.json
      FAIL f/2.json
        want verdict="allow"      rule="x"                            endpoint="https.api"
        got  verdict="deny"       rule="no-deletes"                   endpoint="https.api"
        reason: deleting is off
      FAIL f/3.json
        want verdict="allow"      rule=""                             endpoint=""
        got  verdict="deny"       rule="no-deletes"                   endpoint="https.api"
      FAIL f/4.json: match: Invalid input: expected object, received number
      ok   f/5.json
      FAIL f/6.json: action.host: no endpoint claims "elsewhere.test"
      FAIL f/7.json: permission denied
      7 action(s) checked, 5 mismatch(es)"
    `)
  })

  it('says ok and counts', () => {
    expect(reportLines(results.slice(0, 1))).toEqual(['ok   f/1.json', '1 action(s) checked, 0 mismatch(es)'])
  })
})

describe('reportObject()', () => {
  it('gives both sides of every comparison', () => {
    expect(reportObject('g.hcl', results.slice(0, 2), new Set())).toMatchObject({
      ok: false,
      checked: 2,
      mismatches: 1,
      fixtures: [
        { result: 'ok', got: { verdict: 'allow', rule: '', endpoint: 'https.api', reason: null } },
        {
          result: 'mismatch',
          want: { rule: 'x' },
          got: { verdict: 'deny', rule: 'no-deletes', reason: 'deleting is off' },
        },
      ],
    })
  })
})

describe('junitReport()', () => {
  it('counts failures apart from errors and escapes everything', () => {
    const evil: FixtureFile[] = [
      file('a<&>"\u0001\ud800.json', { verdict: 'deny', rule: '"]]>' }),
      ...files.slice(3, 4),
      ...files.slice(0, 1),
    ]
    return runFixtures(policy, evil).then((ran) => {
      const xml = junitReport('g.hcl', ran, 1.5)
      expect(xml).toContain('tests="3" failures="1" errors="1" time="1.500"')
      expect(xml).toContain('<testcase name="a&lt;&amp;&gt;&quot;\ufffd\ufffd.json" classname="g.hcl"><failure')
      expect(xml).toContain('want deny by rule &quot;\\&quot;]]&gt;&quot;, got allow')
      expect(xml).toContain('<testcase name="f/1.json" classname="g.hcl"/>')
      // every element that is opened is closed
      const open = [...xml.matchAll(/<([a-z]+)[^>]*[^/]>/g)].map(([, name]) => name)
      const closed = [...xml.matchAll(/<\/([a-z]+)>/g)].map(([, name]) => name)
      expect([...open].sort()).toEqual([...closed].sort())
    })
  })
})

describe('updatedText()', () => {
  it('changes the match and nothing else', () => {
    const [, second] = results
    if (second === undefined || second.kind === 'error') throw new Error('it could not be judged')
    const before =
      '{"action":{"http":{"method":"DELETE","path":"/"}},"match":{"verdict":"allow","endpoint":"https.api"}}'
    expect(JSON.parse(updatedText(before, second.outcome))).toEqual({
      action: { http: { method: 'DELETE', path: '/' } },
      match: { verdict: 'deny', rule: 'no-deletes', endpoint: 'https.api', reason: 'deleting is off' },
    })
    expect(updatedText(before, second.outcome).split('\n')[1]).toBe('  "action": {')
  })

  it('takes a reason away that does not hold any more', () => {
    const [first] = results
    if (first === undefined || first.kind === 'error') throw new Error('it could not be judged')
    const before = '{"match":{"verdict":"deny","rule":"r","reason":"gone"},"action":{}}'
    expect(JSON.parse(updatedText(before, first.outcome)).match).toEqual({ verdict: 'allow', rule: '' })
  })
})
