import { ClawError } from '../../../workers/contract/errors.ts'
import { follow } from '../../recorder/follow.ts'
import { fixtureOf } from '../../replay/fixture-of.ts'
import { describedAction } from '../../replay/recorded.ts'
import type { ActionView } from '../../store/action-view.ts'
import { type ActionFilter, actionsOf } from '../../store/actions.ts'
import { type Database, defaultStateDir, openReadOnly } from '../../store/database.ts'
import { replayableOf } from '../../store/replayable.ts'
import type { Command, Invocation } from '../command.ts'
import { alignRow, colour, print, printError, printJson } from '../print.ts'
import { visible } from '../visible.ts'
import { momentOf } from '../when.ts'

/** `clawpatrol logs` */
export const logs: Command = {
  name: 'logs',
  summary: 'show what agents did, what decided and how it went',
  args: [{ word: '[id]', summary: 'one action alone' }],
  options: [
    { flags: '-f, --follow', summary: 'go on with new records as they end; long ones show while open, too' },
    { flags: '--json', summary: 'one JSON object per line, with every column' },
    { flags: '--denied', summary: 'denied actions only' },
    { flags: '--device <name>', summary: 'one device, by name or id' },
    { flags: '--endpoint <name>', summary: 'one endpoint' },
    { flags: '--shadow [rule]', summary: 'where a shadow rule, or this one, would have decided' },
    { flags: '--fixture', summary: 'with an id: the action as a fixture of clawpatrol test' },
    { flags: '--since <when>', summary: 'not older than a duration (90m, 24h, 7d) or a time (2026-11-21T10:00)' },
    { flags: '-n, --limit <count>', summary: 'the newest so many', default: '50' },
    {
      flags: '--state-dir <dir>',
      summary: "the gateway's state directory (default: CLAWPATROL_STATE, or ~/.clawpatrol)",
    },
  ],
  examples: [
    'clawpatrol logs -f',
    'clawpatrol logs --denied --since 24h',
    'clawpatrol logs --json -n 1000 | jq .rule',
    'clawpatrol logs 0199a3c4-5d6e-7f80-9a1b-2c3d4e5f6071 --fixture > fixtures/delete.json',
  ],
  exitCodes: [
    { code: 1, meaning: 'there is no such action, or no fixture can be made of it' },
    { code: 2, meaning: 'wrong usage' },
  ],
  run: showLogs,
}

async function showLogs({ args, options }: Invocation): Promise<number> {
  const [id] = args
  if (id === undefined && options.fixture === true) {
    printError('clawpatrol: --fixture wants the id of an action')
    return 2
  }
  const asked = filterOf(options)
  if (typeof asked === 'string') {
    printError(`clawpatrol: ${asked}`)
    return 2
  }
  const { filter, limit } = asked
  await using database = openReadOnly(textOf(options.stateDir) ?? defaultStateDir())
  if (id !== undefined && options.fixture === true) return printFixture(database, id)
  const actions = actionsOf(database)
  const show = options.json === true ? (row: ActionView) => printJson(row) : rowPrinter()
  if (id !== undefined) {
    const row = actions.get(id)
    if (row === null) throw noAction(id)
    show(row)
    return 0
  }
  const newest = actions.newest()
  const rows = limit === 0 ? [] : actions.list({ ...filter, limit })
  for (const row of rows) show(row)
  if (options.follow !== true) {
    if (rows.length === 0 && options.json !== true) printError('no records match')
    return 0
  }
  const ending = new AbortController()
  const end = () => ending.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  try {
    const after = Math.max(newest, rows.at(-1)?.seq ?? 0)
    const open = rows.filter(({ status }) => status === null).map(({ seq }) => seq)
    for await (const row of follow(actions, filter, { signal: ending.signal, after, open })) show(row)
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
  return 0
}

/** A fixture goes to stdout; what the record does not hold of the action, to stderr. */
function printFixture(database: Database, id: string): number {
  const row = replayableOf(database).get(id)
  if (row === null) throw noAction(id)
  print(JSON.stringify(fixtureOf(row), null, 2))
  const { masked = [] } = describedAction(row) ?? {}
  if (masked.length > 0) printError(`not in the record, fill it in: ${masked.map(visible).join(', ')}`)
  return 0
}

function noAction(id: string): ClawError {
  return new ClawError('CP_STORE', `No action on record has the id ${JSON.stringify(id)}`, {
    hint: 'clawpatrol logs --json shows ids',
  })
}

interface Asked {
  readonly filter: Omit<ActionFilter, 'limit' | 'after'>
  readonly limit: number
}

/** @returns a sentence when an option makes no sense */
function filterOf(options: Invocation['options']): Asked | string {
  const limit = Number(options.limit ?? '50')
  if (!Number.isInteger(limit) || limit < 0) return `--limit ${JSON.stringify(options.limit)} is no count`
  const when = textOf(options.since)
  const since = when === null ? null : momentOf(when, '--since')
  if (typeof since === 'string') return since
  const device = textOf(options.device)
  const endpoint = textOf(options.endpoint)
  return {
    filter: {
      ...(since === null ? {} : { since }),
      ...(device === null ? {} : { device }),
      ...(endpoint === null ? {} : { endpoint }),
      ...(options.denied === true ? { denied: true } : {}),
      ...(options.shadow === true || typeof options.shadow === 'string' ? { shadow: options.shadow } : {}),
    },
    limit,
  }
}

const header = ['TIME', 'DEVICE', 'DECISION', 'RULE', 'STATUS', 'MS', 'CREDENTIAL', 'TITLE'] as const

/** Prints rows under one header; columns widen as wider cells come. */
function rowPrinter(): (row: ActionView) => void {
  const widths: number[] = [14, 8, 8, 14, 6, 5, 10]
  let hasHeader = false
  return (row) => {
    const cells = cellsOf(row)
    for (const [column, cell] of cells.slice(0, -1).entries())
      widths[column] = Math.min(40, Math.max(widths[column] ?? 0, cell.length))
    if (!hasHeader) print(colour.dim(alignRow(header, widths)))
    hasHeader = true
    const painted = cells.map((cell, column) => (column === 2 ? paint(row.decision, cell) : cell))
    print(alignRow(painted, widths))
  }
}

function cellsOf(row: ActionView): readonly string[] {
  return [
    localTime(row.at),
    row.device ?? '-',
    row.decision,
    row.decider,
    row.status ?? 'open',
    row.ms === null ? '-' : String(row.ms),
    row.credential ?? '-',
    `${row.title}${row.decision === 'allow' || row.reason === null ? '' : ` — ${row.reason}`}${shadowText(row)}`,
  ].map(visible)
}

function shadowText({ shadows }: ActionView): string {
  return shadows.map(({ rule, would }) => ` [shadow ${rule}: would ${would === 'failsafe' ? 'deny' : would}]`).join('')
}

function paint(decision: ActionView['decision'], text: string): string {
  if (decision === 'ask') return colour.yellow(text)
  return decision === 'deny' ? colour.red(text) : colour.green(text)
}

function localTime(at: string): string {
  const date = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function textOf(option: Invocation['options'][string]): string | null {
  if (option === undefined || option === '') return null
  if (typeof option === 'string') return option
  throw new ClawError('CP_INTERNAL', 'Cannot read an option: it is no text')
}
