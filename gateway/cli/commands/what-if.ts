import { formatProblem } from '../../config/diagnostics.ts'
import { loadPolicy } from '../../config/load-policy.ts'
import { whatIf as replayActions } from '../../replay/what-if.ts'
import type { Decision, WhatIfReport } from '../../replay/what-if-report.ts'
import { openReadOnly } from '../../store/database.ts'
import { jsonOption, stateDirOf, stateDirOption } from '../admin-options.ts'
import type { Command, Invocation } from '../command.ts'
import { colour, print, printError, printFailure, printJson, table } from '../print.ts'
import { visible } from '../visible.ts'
import { momentOf } from '../when.ts'

const failOn = ['any', 'deny-to-allow', 'none'] as const

/** `clawpatrol what-if <config>` */
export const whatIf: Command = {
  name: 'what-if',
  summary: 'judge recorded actions by another policy, and show which would be decided otherwise (on the gateway host)',
  args: [{ word: '<config>', summary: 'the policy to try: a file, or a directory of .hcl files' }],
  options: [
    { flags: '--since <when>', summary: 'not older than a duration (24h, 7d) or a time', default: '7d' },
    { flags: '--until <when>', summary: 'older than a duration or a time (default: now)' },
    { flags: '-n, --limit <count>', summary: 'the newest so many of them' },
    { flags: '--fail-on <what>', summary: `what makes the exit code 1: ${failOn.join(', ')}`, default: 'any' },
    jsonOption,
    stateDirOption,
  ],
  examples: [
    'clawpatrol what-if new.hcl',
    'clawpatrol what-if new.hcl --since 30d --fail-on deny-to-allow',
    'clawpatrol what-if conf.d/ --json | jq .flips',
  ],
  exitCodes: [
    { code: 1, meaning: 'actions would be decided otherwise (see --fail-on)' },
    { code: 2, meaning: 'wrong usage, a policy with errors, or no records to read' },
  ],
  run: async (invocation) => {
    try {
      return await compare(invocation)
    } catch (error) {
      printFailure(error)
      return 2
    }
  },
}

async function compare(invocation: Invocation): Promise<number> {
  const asked = askedOf(invocation.options)
  if (typeof asked === 'string') {
    printError(`clawpatrol: ${asked}`)
    return 2
  }
  const path = invocation.args[0] ?? ''
  const { policy, problems } = await loadPolicy(path)
  for (const problem of problems.filter(({ severity }) => policy === null && severity === 'error'))
    printError(`${formatProblem(problem)}\n`)
  if (policy === null) {
    printError(`clawpatrol: ${path} has errors: nothing was judged`)
    return 2
  }
  await using database = openReadOnly(stateDirOf(invocation))
  const report = await replayActions(database, policy, { ...asked.range, ...progress() })
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  const { since, until } = asked.range
  if (invocation.options.json === true)
    printJson({ path, since: new Date(since).toISOString(), until: new Date(until).toISOString(), ...report })
  else printReport(path, since, report)
  return isFailure(report, asked.failOn) ? 1 : 0
}

interface Asked {
  readonly range: { readonly since: number; readonly until: number; readonly limit: number | null }
  readonly failOn: (typeof failOn)[number]
}

/** @returns a sentence when an option makes no sense */
function askedOf(options: Invocation['options']): Asked | string {
  const since = momentOf(String(options.since ?? '7d'), '--since')
  if (typeof since === 'string') return since
  const until = options.until === undefined ? Date.now() + 1 : momentOf(String(options.until), '--until')
  if (typeof until === 'string') return until
  const limit = options.limit === undefined ? null : Number(options.limit)
  if (limit !== null && (!Number.isInteger(limit) || limit < 1))
    return `--limit ${JSON.stringify(options.limit)} is no count`
  const found = failOn.find((each) => each === (options.failOn ?? 'any'))
  if (found === undefined) return `--fail-on ${JSON.stringify(options.failOn)} is none of ${failOn.join(', ')}`
  return { range: { since, until, limit }, failOn: found }
}

function progress(): { readonly onProgress?: (done: number, all: number) => void } {
  if (!process.stderr.isTTY) return {}
  return { onProgress: (done, all) => void process.stderr.write(`\r${done} of ${all} actions`) }
}

function isFailure({ flips }: WhatIfReport, what: Asked['failOn']): boolean {
  if (what === 'none') return false
  if (what === 'any') return flips.length > 0
  return flips.some(({ from, to }) => from === 'deny' && (to === 'allow' || to === 'passthrough'))
}

function printReport(path: string, since: number, report: WhatIfReport): void {
  const { actions, same, flips, untold, gone, undecided } = report
  print(`${path}: ${actions} recorded action(s) since ${new Date(since).toISOString()}, ${same} decided the same way`)
  for (const { from, to, count, groups } of flips) {
    print(`\n${paint(from, to)}: ${count}`)
    print(
      table(
        ['  COUNT', 'DEVICE', 'WAS', 'WOULD BE', 'FOR EXAMPLE'],
        groups.map((group) => [
          `  ${group.count}`,
          visible(group.device ?? '-'),
          visible(group.was ?? '(no rule)'),
          visible(group.would ?? '(no rule)'),
          `${visible(group.example.title)}  ${colour.dim(group.example.id)}`,
        ]),
      ),
    )
  }
  for (const [title, reasons] of [
    ['cannot be told', untold],
    ['not in this policy', gone],
  ] as const) {
    if (reasons.length === 0) continue
    print(`\n${title}: ${reasons.reduce((sum, { count }) => sum + count, 0)}`)
    for (const { because, count } of reasons) print(`  ${count}  ${visible(because)}`)
  }
  if (undecided > 0) print(`\nnot decided by rules: ${undecided}`)
  if (flips.length === 0) print(`\n${colour.green('✓')} nothing would be decided otherwise`)
}

function paint(from: Decision, to: Decision): string {
  const text = `${from.toUpperCase()} → ${to.toUpperCase()}`
  return to === 'allow' || to === 'passthrough' ? colour.red(text) : colour.yellow(text)
}
