import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { loadCommands } from '../../gateway/cli/main.ts'
import { labelsOf } from '../../gateway/config/declare.ts'
import { describeLanguage } from '../../gateway/config/describe.ts'
import { parse } from '../../gateway/config/hcl/parse.ts'
import { loadPolicy } from '../../gateway/config/load-policy.ts'
import type { Policy } from '../../gateway/config/policy.ts'
import { judgeDescribed } from '../../gateway/replay/judge-described.ts'
import { packNames } from '../../gateway/starters/packs.ts'
import { http } from '../../workers/contract/families/http.ts'
import { checkCondition } from '../../workers/rules/check.ts'
import { compileRules } from '../../workers/rules/compile.ts'
import { dialectOf } from '../../workers/rules/dialect.ts'
import { type Judgeable, judge } from '../../workers/rules/judge.ts'
import { rateKey } from '../../workers/rules/rates.ts'
import { aRule } from '../../workers/rules/request.fixture.ts'
import { bodyAsJson } from './body-as-json.fixture.ts'
import { celGroups, exampleAction } from './cel-functions.ts'
import { cliReference } from './cli-reference.ts'
import { configReference } from './config-reference.ts'
import { configSchema } from './config-schema.ts'
import { makePages } from './pages.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const examples = join(root, 'examples')
const functions = celGroups.flatMap((group) => group.functions)

describe('the documented functions', () => {
  let shown: Judgeable
  beforeAll(async () => {
    // bodies are only read where some rule names them, as one of this policy does
    const { policy } = await loadPolicy(join(examples, 'two-keys.hcl'))
    const outcome = await judgeDescribed(policy as Policy, exampleAction, { endpoint: 'https.payments' })
    shown = outcome.parts[0]?.judgeable as Judgeable
  })

  for (const { form, example } of functions)
    it(`${form}: the example is right, and true of the action the page shows`, () => {
      expect(checkCondition(example, [http])).toEqual([])
      const rules = compileRules([aRule('example', example)], [http], 'deny')
      const counts = new Map(rules.rates.map((counter) => [rateKey(counter), 0]))
      expect(judge(rules, { ...shown, counts }).verdict).toEqual({
        kind: 'allow',
        decider: { by: 'rule', rule: 'example' },
      })
    })

  it('are all there are', () => {
    const registered = dialectOf([http])
      .environment.getDefinitions()
      .functions.map(({ name }) => name)
    const documented = new Set(functions.map(({ name }) => name))
    const missing = registered.filter(
      (name) => !name.startsWith('__') && !documented.has(name) && !undocumented.has(name),
    )
    expect([...new Set(missing)]).toEqual([])
  })
})

/** Of the library: its optional type, which nothing of ours yields, and `cel.bind`, which we refuse. */
const undocumented = new Set(['hasValue', 'value', 'none', 'of', 'or', 'orValue', 'bind'])

describe('config.schema.json', () => {
  const schema = z.fromJSONSchema(configSchema(describeLanguage()) as Parameters<typeof z.fromJSONSchema>[0])

  for (const files of configurations())
    it(`takes ${files.map((file) => file.slice(root.length)).join(' and ')}`, async () => {
      expect(schema.safeParse(await asJson(files)).error?.issues ?? []).toEqual([])
    })

  it('refuses an attribute, a type and a value that are none', async () => {
    const good = (await asJson([join(examples, 'minimal.hcl')])) as { endpoint: { https: { weather: object } } }
    const refused = (endpoint: unknown) => !schema.safeParse({ ...good, endpoint }).success
    expect(refused({ https: { weather: { ...good.endpoint.https.weather, hots: ['a'] } } })).toBe(true)
    expect(refused({ http: good.endpoint.https })).toBe(true)
    expect(refused({ https: { weather: { hosts: 'api.weather.example' } } })).toBe(true)
    expect(refused({ https: { weather: { ...good.endpoint.https.weather, retention: '30d' } } })).toBe(true)
    expect(refused({ https: { weather: {} } })).toBe(true)
  })
})

describe('the references', () => {
  it('name every type and attribute, and every command and option', async () => {
    const language = describeLanguage()
    const reference = configReference(language)
    for (const { kind, types } of language.kinds) {
      expect(reference).toContain(`## \`${kind}`)
      for (const { type } of types) expect(reference).toContain(`### \`${kind} "${type}"\``)
    }
    const commands = await loadCommands()
    const cli = cliReference(commands)
    for (const { name, options } of commands) {
      expect(cli).toContain(`## clawpatrol ${name}\n`)
      for (const { flags } of options ?? []) expect(cli).toContain(`\`${flags}\``)
    }
  })

  it('are all in the index for language models, and in the one file', async () => {
    const pages = await makePages()
    const index = pages.get('llms.txt') ?? ''
    const full = pages.get('llms-full.txt') ?? ''
    for (const name of ['policy-guide.md', 'config-reference.md', 'rules-reference.md', 'cli.md'])
      expect(index).toContain(`](${name})`)
    for (const title of ['# Policy guide', '# Configuration reference', '# Rules reference', '# Command line'])
      expect(full).toContain(`\n${title}\n`)
  })
})

/** The examples, and those of the specification. */
function configurations(): readonly (readonly string[])[] {
  const single = [examples, join(root, 'test/spec')].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.hcl'))
      .map((name) => [join(folder, name)]),
  )
  const packs = packNames.map((name) => ['gateway.hcl', 'policy.hcl'].map((file) => join(examples, name, file)))
  return [...single, ...packs]
}

async function asJson(paths: readonly string[]): Promise<unknown> {
  const files = paths.map((path) => ({ name: path, bytes: readFileSync(path) }))
  const { bodies, diagnostics } = await parse(files, { references: labelsOf, closed: ['gateway', 'defaults'] })
  expect(diagnostics).toEqual([])
  return bodyAsJson(bodies)
}
