import { readFileSync } from 'node:fs'
import { loadCommands } from '../../gateway/cli/main.ts'
import { describeLanguage } from '../../gateway/config/describe.ts'
import type { Family } from '../../workers/contract/plugin.ts'
import { cliReference } from './cli-reference.ts'
import { configReference } from './config-reference.ts'
import { configSchema } from './config-schema.ts'
import { type DocPage, llmsFull, llmsIndex } from './llms.ts'
import { rulesReference } from './rules-reference.ts'

/** Every generated file under web/docs, by name; JSON is not laid out yet. */
export async function makePages(): Promise<ReadonlyMap<string, string>> {
  const language = describeLanguage()
  const guide = readFileSync(new URL('../../web/docs/policy-guide.md', import.meta.url), 'utf8')
  const pages: readonly DocPage[] = [
    {
      file: 'policy-guide.md',
      title: 'Policy guide',
      about: 'write, test, explain, try and roll back a policy in five minutes',
      text: guide,
    },
    {
      file: 'config-reference.md',
      title: 'Configuration reference',
      about: 'every block, type and attribute',
      text: configReference(language),
    },
    {
      file: 'rules-reference.md',
      title: 'Rules reference',
      about: 'facts, functions, decision order, unknown facts, rates, shadow rules',
      text: rulesReference(familiesOf(language.kinds.flatMap(({ types }) => types))),
    },
    {
      file: 'cli.md',
      title: 'Command line',
      about: 'every command, option and exit code',
      text: cliReference(await loadCommands()),
    },
  ]
  return new Map([
    ...pages.filter(({ text }) => text !== guide).map(({ file, text }) => [file, text] as const),
    ['config.schema.json', JSON.stringify(configSchema(language), null, 2)],
    ['llms.txt', llmsIndex(pages)],
    ['llms-full.txt', llmsFull(pages)],
  ])
}

/** Each family once, in the order endpoints name them. */
function familiesOf(types: readonly { readonly families?: readonly Family[] }[]): readonly Family[] {
  const byName = new Map(types.flatMap(({ families }) => families ?? []).map((family) => [family.name, family]))
  return [...byName.values()]
}
