import { readFileSync } from 'node:fs'
import type { DescribedAction } from '../../../workers/contract/described.ts'
import { ClawError } from '../../../workers/contract/errors.ts'
import { countProblems, formatProblem } from '../../config/diagnostics.ts'
import { loadPolicy } from '../../config/load-policy.ts'
import type { Policy } from '../../config/policy.ts'
import { explainOutcome, explanationLines, explanationObject } from '../../replay/explain-outcome.ts'
import { judgeDescribed } from '../../replay/judge-described.ts'
import { describedAction } from '../../replay/recorded.ts'
import { describeWritten } from '../../replay/written-action.ts'
import { defaultStateDir, openReadOnly } from '../../store/database.ts'
import { replayableOf } from '../../store/replayable.ts'
import type { Command, Invocation } from '../command.ts'
import { print, printError, printFailure, printJson } from '../print.ts'
import { visible } from '../visible.ts'

/** `clawpatrol explain <config>` */
export const explain: Command = {
  name: 'explain',
  summary: 'tell what a configuration says of one action, rule by rule, and what would change it',
  args: [
    { word: '<config>', summary: 'a file, or a directory of .hcl files' },
    { word: '[action]', summary: 'id of a recorded action, instead of describing one' },
  ],
  options: [
    { flags: '--http <request>', summary: "a request: 'DELETE https://api.example.com/v1/users/7'" },
    { flags: '--header <line>', summary: "a header of the request: 'Name: value'; never printed", repeatable: true },
    { flags: '--body <text>', summary: 'body of the request or input of the session; @FILE reads a file' },
    { flags: '--k8s <call>', summary: "a Kubernetes call: 'delete pods api-1 -n web' or 'GET /api/v1/pods'" },
    { flags: '--sql <text>', summary: 'SQL statements' },
    { flags: '--ssh <line>', summary: "a session: 'ci@builder.example.com exec make test'" },
    { flags: '--host <host>', summary: 'host it goes to, where the action does not say it' },
    { flags: '--endpoint <name>', summary: 'endpoint it goes to: <type>.<name> or <name>' },
    { flags: '--database <name>', summary: 'database of the session' },
    {
      flags: '--param <name=value>',
      summary: 'value of a parameter of the statement, e.g. 1=42 for $1',
      repeatable: true,
    },
    { flags: '--credential <name>', summary: 'credential it is sent with (default: as traffic would choose)' },
    { flags: '--profile <name>', summary: 'profile of the device (default: the first that reaches the endpoint)' },
    { flags: '--device <name>', summary: "the device's name" },
    { flags: '--at <time>', summary: 'when it happens, ISO 8601 (default: now)' },
    { flags: '--rate <name=count>', summary: 'what rate() finds for a counter (default: 0)', repeatable: true },
    { flags: '--truncated', summary: 'it goes on beyond what rules can see' },
    { flags: '--state-dir <dir>', summary: "the gateway's state directory, for a recorded action" },
    { flags: '--json', summary: 'print one JSON object instead of text' },
  ],
  examples: [
    "clawpatrol explain gateway.hcl --http 'DELETE https://api.github.com/repos/x'",
    "clawpatrol explain gateway.hcl --sql 'DROP TABLE users' --endpoint postgres.orders",
    "clawpatrol explain gateway.hcl --k8s 'delete pods api-1 -n web' --endpoint kubernetes.live",
    "clawpatrol explain gateway.hcl --ssh 'ci@builder.example.com exec make test'",
    'clawpatrol explain gateway.hcl 019a8f6e-7c1b-7a53-9d51-0f2f6f7a8b9c',
  ],
  exitCodes: [
    { code: 1, meaning: 'the action cannot be judged: no such endpoint, credential, record, …' },
    { code: 2, meaning: 'wrong usage, or the configuration has errors' },
  ],
  run: explainAction,
}

async function explainAction({ args, options }: Invocation): Promise<number> {
  const [config = '', id] = args
  const { policy, problems } = await loadPolicy(config)
  if (policy === null) {
    for (const problem of problems) printError(`${formatProblem(problem)}\n`)
    printError(`${config}: ${countProblems(problems)}`)
    return 2
  }
  const families = (['http', 'k8s', 'sql', 'ssh'] as const).filter((family) => options[family] !== undefined)
  const [family] = families
  if (families.length + (id === undefined ? 0 : 1) !== 1) {
    printError('clawpatrol: give one of --http, --k8s, --sql, --ssh and the id of a recorded action')
    return 2
  }
  try {
    const asked = family === undefined ? await recorded(policy, id ?? '', options) : written(policy, family, options)
    const explained = explainOutcome(await judgeDescribed(policy, asked.action, asked.pin))
    if (options.json === true) printJson(explanationObject(explained))
    else print([...asked.notes, ...explanationLines(explained)].join('\n'))
    return 0
  } catch (error) {
    printFailure(error)
    return 1
  }
}

interface Asked {
  readonly action: DescribedAction
  readonly pin: { readonly endpoint: string } | null
  readonly notes: readonly string[]
}

function written(policy: Policy, family: 'http' | 'k8s' | 'sql' | 'ssh', options: Invocation['options']): Asked {
  const action = describeWritten({
    family,
    text: textOf(options[family]) ?? '',
    headers: listOf(options.header),
    body: bodyOf(textOf(options.body)),
    host: textOf(options.host),
    database: textOf(options.database),
    params: paramsOf(listOf(options.param)),
  })
  return { action: { ...action, ...contextOf(options) }, pin: pinOf(policy, textOf(options.endpoint)), notes: [] }
}

function paramsOf(given: readonly string[]): { readonly [name: string]: string } | null {
  const params = given.map((each) => {
    const at = each.indexOf('=')
    // the value may be a secret: it is not repeated
    if (at < 1) throw new ClawError('CP_CONFIG', '--param is not NAME=VALUE')
    return [each.slice(0, at), each.slice(at + 1)] as const
  })
  return params.length === 0 ? null : Object.fromEntries(params)
}

async function recorded(policy: Policy, id: string, options: Invocation['options']): Promise<Asked> {
  await using database = openReadOnly(textOf(options.stateDir) ?? defaultStateDir())
  const row = replayableOf(database).get(id)
  if (row === null) throw new ClawError('CP_STORE', `there is no record of action ${JSON.stringify(id)}`)
  const found = describedAction(row)
  if (found === null) throw new ClawError('CP_STORE', `action ${id}: the record does not hold what it was`)
  const notes = found.masked.map((path) => `note: ${visible(path)} is not in the record`)
  const pin = row.endpoint === null ? null : pinOf(policy, `${row.protocol}.${row.endpoint}`)
  return { action: { ...found.action, ...contextOf(options) }, pin, notes }
}

function contextOf({
  credential,
  profile,
  device,
  at,
  truncated,
  rate,
}: Invocation['options']): Partial<DescribedAction> {
  const given = Object.entries({ credential, profile, device, at }).filter(([, value]) => typeof value === 'string')
  const rates = listOf(rate).map((each) => {
    const [, name = '', count = ''] = /^(.+)=(\d+)$/.exec(each) ?? []
    if (name === '') throw new ClawError('CP_CONFIG', `--rate ${JSON.stringify(each)} is not NAME=COUNT`)
    return [name, Number(count)] as const
  })
  return {
    ...Object.fromEntries(given),
    ...(truncated === true ? { truncated } : {}),
    ...(rates.length === 0 ? {} : { rates: Object.fromEntries(rates) }),
  }
}

/** A name alone stands for the endpoint of that name. */
function pinOf({ endpoints }: Policy, name: string | null): Asked['pin'] {
  if (name === null) return null
  const found = endpoints.find((endpoint) => endpoint.name === name)
  return { endpoint: found === undefined ? name : `${found.protocol}.${found.name}` }
}

function bodyOf(text: string | null): string | null {
  if (text === null || !text.startsWith('@')) return text
  return readFileSync(text.slice(1), 'utf8')
}

function textOf(option: Invocation['options'][string]): string | null {
  return typeof option === 'string' ? option : null
}

function listOf(option: Invocation['options'][string]): readonly string[] {
  return Array.isArray(option) ? (option as readonly string[]) : []
}
