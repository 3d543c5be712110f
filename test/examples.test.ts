import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadPolicy } from '../gateway/config/load-policy.ts'
import type { Policy } from '../gateway/config/policy.ts'
import { readFixtures } from '../gateway/replay/fixture-files.ts'
import { gotOf, runFixtures } from '../gateway/replay/run.ts'
import { packNames } from '../gateway/starters/packs.ts'

const examples = fileURLToPath(new URL('../examples/', import.meta.url))

/** Every configuration in examples/: files beside it, and packs in folders of their own. */
const configs = [
  ...readdirSync(examples)
    .filter((name) => name.endsWith('.hcl'))
    .map((name) => ({ name, path: join(examples, name), fixtures: join(examples, 'fixtures', name.slice(0, -4)) })),
  ...readdirSync(examples)
    .filter((name) => name !== 'fixtures' && !name.endsWith('.hcl'))
    .map((name) => ({ name, path: join(examples, name), fixtures: join(examples, name, 'fixtures') })),
]

describe('examples', () => {
  it('are packs that init knows, and single files', () => {
    const folders = configs.map(({ name }) => name).filter((name) => !name.endsWith('.hcl'))
    expect(folders.sort()).toEqual([...packNames].sort())
  })

  for (const { name, path, fixtures } of configs) {
    it(`${name} has nothing wrong with it, and decides what its fixtures say`, async () => {
      const { policy, problems } = await loadPolicy(path)
      expect(problems).toEqual([])
      const results = await runFixtures(policy as Policy, readFixtures(fixtures))
      const failed = results
        .filter(({ kind }) => kind !== 'ok')
        .map((result) => (result.kind === 'error' ? result : { ...result, got: gotOf(result.outcome) }))
      expect(failed).toEqual([])
    })
  }

  for (const name of packNames)
    it(`${name} has a fixture for each of its rules and each kind of verdict, and one of something truncated`, async () => {
      const { policy } = await loadPolicy(join(examples, name))
      const files = readFixtures(join(examples, name, 'fixtures'))
      const results = await runFixtures(policy as Policy, files)
      const outcomes = results.flatMap((result) => (result.kind === 'error' ? [] : [result.outcome]))
      const rules = [...(policy as Policy).profiles.values()].flatMap(({ endpoints }) =>
        endpoints.flatMap((endpoint) => endpoint.rules.map((rule) => String(rule.name))),
      )
      const decided = new Set(outcomes.map(({ rule }) => rule))
      expect([...new Set(rules)].filter((rule) => !decided.has(rule))).toEqual([])
      expect(files.length).toBeGreaterThanOrEqual(12)
      expect(files.filter(({ content }) => /"truncated": true/.test(String(content))).length).toBeGreaterThan(0)
      const wanted = name === 'llm' ? ['allow', 'deny'] : ['allow', 'ask', 'deny']
      expect([...new Set(outcomes.map(({ verdict }) => verdict))].sort()).toEqual(wanted)
    })
})
