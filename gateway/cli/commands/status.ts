import { identityDir } from '../../../onboard/client/identity.ts'
import { checkJoin } from '../../../onboard/client/status.ts'
import type { TailnetStatus } from '../../admin/ports.ts'
import { askAdmin } from '../../admin/replies.ts'
import { jsonOption, stateDirOf, stateDirOption } from '../admin-options.ts'
import type { Command, Invocation } from '../command.ts'
import { colour, print, printJson, table } from '../print.ts'

/** `clawpatrol status` */
export const status: Command = {
  name: 'status',
  summary: "check this machine's join, from its files to an answer of the gateway",
  options: [
    { flags: '--gateway', summary: 'instead: how the gateway on this machine does, and its live flows' },
    stateDirOption,
    jsonOption,
  ],
  examples: ['clawpatrol status', 'clawpatrol status --gateway --json'],
  exitCodes: [{ code: 1, meaning: 'something is wrong: wrapped commands would not run' }],
  run: async (invocation) => {
    const { options } = invocation
    if (options.gateway === true) return await showGateway(invocation)
    const checks = await checkJoin(identityDir())
    const isRight = checks.every((check) => check.isRight)
    if (options.json === true) printJson({ ok: isRight, checks })
    else {
      for (const { name, isRight: fine, detail } of checks)
        print(`  ${fine ? colour.green('✓') : colour.red('✗')} ${name} — ${detail}`)
    }
    return isRight ? 0 : 1
  },
}

function showTailnet({ state, name, addresses, nodes, health, advice }: TailnetStatus): void {
  const how = state === 'Running' ? colour.green(name) : colour.red(state)
  print(`tailnet   ${[how, ...addresses].join(' ')}, ${nodes} nodes of devices`)
  for (const complaint of health) print(`          ${colour.yellow(complaint)}`)
  for (const line of advice?.split('\n') ?? []) print(`          ${line}`)
}

async function showGateway(invocation: Invocation): Promise<number> {
  const stateDir = stateDirOf(invocation)
  const found = await askAdmin('status', { stateDir, method: 'GET', path: '/status' })
  const { flows } = await askAdmin('flows', { stateDir, method: 'GET', path: '/flows' })
  const { recorder } = found
  if (invocation.options.json === true) {
    printJson({ ...found, live: flows })
    return recorder.healthy ? 0 : 1
  }
  const record = recorder.healthy
    ? colour.green(`${recorder.written} events written, ${recorder.queued} waiting`)
    : colour.red('cannot be written: agents are denied')
  print(`gateway   up since ${found.started_at}, policy ${found.revision.slice(0, 12)}`)
  if (found.wireguard_port !== null) print(`tunnel    UDP port ${found.wireguard_port}, ${found.peers} peers`)
  if (found.tailnet !== null) showTailnet(found.tailnet)
  print(`record    ${record}`)
  print(
    `memory    ${Math.round(found.metrics.rssBytes / 1e6)} MB, event loop late by ${found.metrics.eventLoopDelay.p99Ms} ms (p99)`,
  )
  for (const { profile, threads, flows: count } of found.pools)
    print(`profile   ${profile}: ${count} flows on ${threads} threads`)
  if (flows.length === 0) return recorder.healthy ? 0 : 1
  const rows = flows.map(({ device, kind, name, target }) => [device, kind, name ?? `${target.host}:${target.port}`])
  print('')
  print(table(['device', 'kind', 'to'], rows))
  return recorder.healthy ? 0 : 1
}
