import { ClawError } from '../../../workers/contract/errors.ts'
import { parseDuration } from '../../config/durations.ts'
import { follow } from '../../recorder/follow.ts'
import type { ActionView } from '../../store/action-view.ts'
import { type ActionFilter, actionsOf } from '../../store/actions.ts'
import { defaultStateDir, openReadOnly } from '../../store/database.ts'
import type { Command, Invocation } from '../command.ts'
import { alignRow, colour, print, printError, printJson } from '../print.ts'

/** `clawpatrol logs` */
export const logs: Command = {
  name: 'logs',
  summary: 'show what agents did, what decided and how it went',
  options: [
    { flags: '-f, --follow', summary: 'go on with new records as they end; long ones show while open, too' },
    { flags: '--json', summary: 'one JSON object per line, with every column' },
    { flags: '--denied', summary: 'denied actions only' },
    { flags: '--device <name>', summary: 'one device, by name or id' },
    { flags: '--endpoint <name>', summary: 'one endpoint' },
    { flags: '--since <when>', summary: 'not older than a duration (90m, 24h) or a time (2026-11-21T10:00)' },
    { flags: '-n, --limit <count>', summary: 'the newest so many', default: '50' },
    {
      flags: '--state-dir <dir>',
      summary: "the gateway's state directory (default: CLAWPATROL_STATE, or ~/.clawpatrol)",
    },
  ],
  examples: ['clawpatrol logs -f', 'clawpatrol logs --denied --since 24h', 'clawpatrol logs --json -n 1000 | jq .rule'],
  exitCodes: [{ code: 2, meaning: 'wrong usage' }],
  run: showLogs,
}

async function showLogs({ options }: Invocation): Promise<number> {
  const asked = filterOf(options)
  if (typeof asked === 'string') {
    printError(`clawpatrol: ${asked}`)
    return 2
  }
  const { filter, limit } = asked
  await using database = openReadOnly(textOf(options.stateDir) ?? defaultStateDir())
  const actions = actionsOf(database)
  const show = options.json === true ? (row: ActionView) => printJson(row) : rowPrinter()
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

interface Asked {
  readonly filter: Omit<ActionFilter, 'limit' | 'after'>
  readonly limit: number
}

/** @returns a sentence when an option makes no sense */
function filterOf(options: Invocation['options']): Asked | string {
  const limit = Number(options.limit ?? '50')
  if (!Number.isInteger(limit) || limit < 0) return `--limit ${JSON.stringify(options.limit)} is no count`
  const since = sinceOf(textOf(options.since))
  if (typeof since === 'string') return since
  const device = textOf(options.device)
  const endpoint = textOf(options.endpoint)
  return {
    filter: {
      ...(since === null ? {} : { since }),
      ...(device === null ? {} : { device }),
      ...(endpoint === null ? {} : { endpoint }),
      ...(options.denied === true ? { denied: true } : {}),
    },
    limit,
  }
}

function sinceOf(text: string | null): number | null | string {
  if (text === null) return null
  const ago = parseDuration(text)
  if (typeof ago === 'number') return Date.now() - Math.abs(ago)
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? `--since ${JSON.stringify(text)} is neither a duration like 24h nor a time` : at
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
    row.decision === 'deny' && row.reason !== null ? `${row.title} — ${row.reason}` : row.title,
  ].map(visible)
}

function paint(decision: ActionView['decision'], text: string): string {
  return decision === 'deny' ? colour.red(text) : colour.green(text)
}

function localTime(at: string): string {
  const date = new Date(at)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** Agents choose titles: nothing in them may move the cursor, colour the terminal or turn the text around. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (hidden) => {
    const code = hidden.codePointAt(0) ?? 0
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}

function textOf(option: Invocation['options'][string]): string | null {
  if (option === undefined || option === '') return null
  if (typeof option === 'string') return option
  throw new ClawError('CP_INTERNAL', 'Cannot read an option: it is no text')
}
