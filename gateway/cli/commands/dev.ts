import { openLog } from '../../log.ts'
import { type Machine, startMachine } from '../../single-machine.ts'
import type { ActionView } from '../../store/action-view.ts'
import type { Command } from '../command.ts'
import { actionTable } from '../live-table.ts'
import { print, printJson } from '../print.ts'
import { untilSignal } from '../until-signal.ts'
import { startable } from './gateway.ts'

/** `clawpatrol dev [-- cmd]` */
export const dev: Command = {
  name: 'dev',
  summary: 'gateway, device and a demo on this machine alone',
  args: [{ word: '[command...]', summary: 'what to run through it instead of the demo agent' }],
  options: [
    { flags: '--config <file>', summary: 'your own configuration instead of the demo' },
    { flags: '--once', summary: 'end when the demo or the command has ended' },
    { flags: '--json', summary: 'print actions as JSON lines' },
  ],
  passThrough: true,
  examples: ['clawpatrol dev', 'clawpatrol dev -- curl https://notes.demo.internal/v1/notes', 'clawpatrol dev -- bash'],
  exitCodes: [{ code: 1, meaning: 'it could not start; else what the command ended with' }],
  run: async ({ args, options }) => {
    const log = openLog({ level: process.env.CLAWPATROL_LOG ?? 'error' })
    const config = typeof options.config === 'string' ? options.config : null
    const machine = await startMachine({ config, log, load: startable })
    if (machine === null) return 1
    const isJson = options.json === true
    const shown = show(machine, isJson)
    try {
      if (args.length > 0) return await machine.run(args)
      const code = config === null ? await machine.runDemo() : 0
      if (options.once === true || code !== 0) return code
      await machine.settled()
      if (!isJson) for (const line of nextSteps(machine)) print(line)
      await untilSignal((error) => log.error('fatal', { error }))
      return 0
    } finally {
      await machine.stop()
      await shown
      if (!isJson && options.once === true) for (const line of records(machine)) print(line)
    }
  },
}

/** Prints actions as they end; resolves when the gateway has stopped. */
async function show(machine: Machine, isJson: boolean): Promise<void> {
  const table = actionTable()
  if (!isJson) {
    print(`clawpatrol dev · gateway and device on this machine · joins at ${machine.url}`)
    print('')
    for (const line of table.header()) print(line)
  }
  for await (const action of machine.actions()) {
    if (isJson) printJson(jsonRow(action))
    else print(table.row(action))
  }
}

function jsonRow({
  at,
  device,
  profile,
  endpoint,
  title,
  decision,
  decider,
  reason,
  credential,
  status,
  ms,
}: ActionView) {
  return { at, device, profile, endpoint, title, decision, rule: decider, reason, credential, status, ms }
}

function records({ env, stateDir }: Machine): readonly string[] {
  return ['', `Records are in ${stateDir}:`, `  CLAWPATROL_STATE=${env.CLAWPATROL_STATE ?? stateDir} clawpatrol logs`]
}

function nextSteps(machine: Machine): readonly string[] {
  const { configPath, isDemo } = machine
  return [
    ...records(machine),
    '',
    'Try next:',
    ...(isDemo ? ['  clawpatrol dev -- curl https://notes.demo.internal/v1/notes'] : []),
    '  clawpatrol dev -- bash            everything you type there goes through the gateway',
    `  clawpatrol validate ${configPath}`,
    ...(isDemo ? [`  cp ${configPath} my.hcl && clawpatrol dev --config my.hcl`] : []),
    '',
    'Ctrl-C ends it.',
  ]
}
