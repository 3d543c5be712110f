// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HCL templates look like that
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadPolicy } from './load-policy.ts'

const whole = `schema_version = 1
gateway {
  wireguard {
    subnet_cidr = "10.0.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
endpoint "https" "a" {
  hosts = ["a.test"]
}
credential "bearer_token" "t" {
  endpoint = https.a
}
rule "r" {
  endpoint  = https.a
  condition = "true"
  verdict   = "deny"
}
profile "default" {
  credentials = [bearer_token.t]
}
`
const instead = (old: string, text: string) => whole.replace(old, () => text)
const condition = (text: string) => instead('"true"', `"${text}"`)

describe('what to write instead', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-hints-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const rows: readonly (readonly [what: string, source: string, hint: RegExp])[] = [
    ['= for ==', condition("http.method = 'GET'"), /write ==/],
    ['and', condition("http.method == 'GET' and http.path == '/'"), /write &&/],
    ['or', condition("http.method == 'GET' or http.path == '/'"), /write \|\|/],
    ['a single &', condition("http.method == 'GET' & http.path == '/'"), /write &&/],
    ['a misspelt field', condition("http.metod == 'GET'"), /method/],
    ['a field by another name', condition("http.url == '/'"), /write http\.path/],
    ['a field without its variable', condition("method == 'GET'"), /write http\.method/],
    ['a function in lower case', condition("http.path.startswith('/x')"), /startsWith/],
    ['a look-ahead', condition("http.path.matches('^(?!/x)')"), /no look-ahead/],
    ['text for a list of values', condition("http.headers['X-A'] == 'a'"), /'X-A' in http\.headers && 'value' in/],
    ['text for a parameter', condition("http.query.x == 'a'"), /'x' in http\.query && 'value' in http\.query\.x/],
    ['a backslash CEL does not know', condition("http.path.matches('^/v\\\\d')"), /\[0-9\]/],
    ['a backslash HCL does not know', condition("http.path.matches('^/v\\d')"), /\[0-9\]/],
    ['double quotes in a condition', condition('http.method == "GET"'), /single quotes/],
    ['a condition without quotes', instead('"true"', "http.method == 'GET'"), /whole condition in double quotes/],
    ['a template sign', condition("http.path == '${x}'"), /\$\$\{/],
    ['text without quotes', instead('"deny"', 'deny'), /text stands in quotes: "deny"/],
    ['yes', instead('"deny"', '"deny"\n  disabled = yes'), /write true/],
    ['a verdict in capitals', instead('"deny"', '"DENY"'), /deny/],
    ['a reference in quotes', instead('endpoint  = https.a', 'endpoint  = "https.a"'), /https\.a without the quotes/],
    ['one endpoint for a list', instead('endpoint  = https.a', 'endpoints = https.a'), /write \[https\.a\]/],
    ['a list for one endpoint', instead('endpoint  = https.a', 'endpoint = [https.a]'), /write endpoints/],
    ['one credential for a list', instead('[bearer_token.t]', 'bearer_token.t'), /write \[bearer_token\.t\]/],
    ['one host for a list', instead('["a.test"]', '"a.test"'), /write \["a\.test"\]/],
    ['a secret in the file', instead('https.a\n}', 'https.a\n  token = "x"\n}'), /clawpatrol secret set t$/],
    ['unmatched in a rule', instead('"deny"', '"deny"\n  unmatched = "deny"'), /belongs in defaults or in an endpoint/],
    ['a colon', instead('verdict   =', 'verdict:'), /NAME = VALUE/],
    ['a block with an equals sign', instead('gateway {', 'gateway = {'), /without the equals sign/],
    ['JSON', '{"gateway": {}}', /not JSON/],
    [
      'a type without any block',
      instead('endpoint  = https.a', 'endpoint = ssh.a'),
      /no endpoint of type ssh is declared/,
    ],
    ['two swapped letters', instead('verdict ', 'vedrict '), /did you mean "verdict"/],
  ]
  for (const [what, source, hint] of rows)
    it(`is told of ${what}`, async () => {
      const hints = (await load(source)).map((problem) => problem.hint ?? '')
      expect(hints.filter((each) => hint.test(each))).toHaveLength(1)
    })

  it('is told once where a quote is not closed, and nothing of what that does to the rest', async () => {
    const problems = await load(instead('"a.test"]', '"a.test]'))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ hint: 'a quote is not closed on this line', place: { line: 9 } })
  })

  it('is told of a misspelt type alone, not of every reference to its block', async () => {
    const problems = await load(instead('"https" "a"', '"htps" "a"'))
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('unknown endpoint type "htps"') as string,
    ])
  })

  async function load(source: string) {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(path, source)
    return (await loadPolicy(path)).problems
  }
})
