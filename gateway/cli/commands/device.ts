import { userInfo } from 'node:os'
import { ClawError } from '../../../workers/contract/errors.ts'
import { askAdmin, type DeviceView } from '../../admin/replies.ts'
import { jsonOption, stateDirOf, stateDirOption } from '../admin-options.ts'
import type { Command, Invocation } from '../command.ts'
import { colour, print, printJson, table } from '../print.ts'

const codeArg = { word: '<code>', summary: 'the code the joining machine shows, like ABCD-2345' }
const pinModes = ['off', 'warn', 'enforce', 'default'] as const
const deviceArg = { word: '<device>', summary: 'name or id of the device' }

/** `clawpatrol device …` */
export const device: Command = {
  name: 'device',
  summary: 'approve, list and block devices (on the gateway host)',
  subcommands: [
    { name: 'list', summary: 'list devices and joins that wait', options: [stateDirOption, jsonOption], run: list },
    {
      name: 'show',
      summary: 'show one device',
      args: [deviceArg],
      options: [stateDirOption, jsonOption],
      run: showOne,
    },
    {
      name: 'approve',
      summary: 'let a joining machine in',
      args: [codeArg],
      options: [stateDirOption, { flags: '--profile <name>', summary: 'profile the device gets' }, jsonOption],
      examples: ['clawpatrol device approve ABCD-2345 --profile coder'],
      run: approve,
    },
    { name: 'deny', summary: 'turn a joining machine away', args: [codeArg], options: [stateDirOption], run: deny },
    {
      name: 'block',
      summary: 'stop all traffic of a device at once',
      args: [deviceArg],
      options: [stateDirOption],
      run: (invocation) => change(invocation, 'block'),
    },
    {
      name: 'unblock',
      summary: 'undo a block; the device is pinned to where it is seen next',
      args: [deviceArg],
      options: [stateDirOption],
      run: (invocation) => change(invocation, 'unblock'),
    },
    {
      name: 'pin',
      summary: 'say what happens when a device dials from elsewhere than where it joined',
      args: [deviceArg, { word: '<mode>', summary: 'off, warn, enforce, or default: as the policy says' }],
      options: [stateDirOption],
      examples: ['clawpatrol device pin laptop enforce', 'clawpatrol device pin phone default'],
      run: pin,
    },
    { name: 'delete', summary: 'forget a device', args: [deviceArg], options: [stateDirOption], run: remove },
  ],
}

async function list(invocation: Invocation): Promise<number> {
  const stateDir = stateDirOf(invocation)
  const { devices } = await askAdmin('devices', { stateDir, method: 'GET', path: '/devices' })
  const { joins } = await askAdmin('joins', { stateDir, method: 'GET', path: '/joins' })
  if (invocation.options.json === true) {
    printJson({ devices, joins })
    return 0
  }
  const waiting = joins.filter(({ state }) => state === 'pending')
  if (waiting.length > 0) {
    const rows = waiting.map(({ userCode, hostname, source, createdAt, suggestedProfile, rejoins }) => [
      userCode,
      hostname,
      source,
      ago(createdAt),
      // approving without --profile grants it
      suggestedProfile ?? '-',
      rejoins ?? '-',
    ])
    print(table(['CODE', 'HOSTNAME', 'FROM', 'SINCE', 'ASKS FOR PROFILE', 'JOINS AGAIN AS'], rows))
    print('')
  }
  if (devices.length === 0) print('no devices yet: run clawpatrol join <url> on the machine of an agent')
  else print(table(['NAME', 'PROFILE', 'ADDRESS', 'RUNS', 'SEEN', 'STATE'], devices.map(row)))
  return 0
}

async function showOne(invocation: Invocation): Promise<number> {
  const path = `/devices/${encodeURIComponent(invocation.args[0] ?? '')}`
  const found = await askAdmin('device', { stateDir: stateDirOf(invocation), method: 'GET', path })
  if (invocation.options.json === true) {
    printJson(found)
    return 0
  }
  const lines = [
    ['name', found.name],
    ['id', found.id],
    ['profile', found.profile ?? '(default)'],
    ['state', stateOf(found)],
    ['approved', `${new Date(found.approvedAt).toISOString()} by ${found.approvedBy}`],
    ['joined from', placeOf(found)],
    ['pin', `${found.pinMode} (${found.pin === null ? 'as the policy says' : 'set for this device'})`],
    ['last seen', found.lastSeenAt === null ? 'never' : ago(found.lastSeenAt)],
    ...found.peers.map(({ address4, address6, run }) => [
      run === null ? 'address' : 'run',
      [address4, address6 ?? ''].join(' ').trim(),
    ]),
  ]
  for (const [label = '', value = ''] of lines) print(`${label.padEnd(12)} ${value}`)
  return 0
}

async function approve(invocation: Invocation): Promise<number> {
  const { options, args } = invocation
  const approved = await askAdmin('approved', {
    stateDir: stateDirOf(invocation),
    method: 'POST',
    path: `/joins/${encodeURIComponent(args[0] ?? '')}/approve`,
    body: { profile: typeof options.profile === 'string' ? options.profile : null, by: operator() },
  })
  if (options.json === true) {
    printJson(approved)
    return 0
  }
  const { join, enrolment } = approved
  const what = approved.already ? 'was approved before' : enrolment.isRejoin ? 'may join again' : 'is approved'
  print(`${colour.green('✓')} ${enrolment.name} ${what}`)
  print(`  hostname       ${join.hostname}`)
  print(`  from           ${join.source}`)
  const address = enrolment.address4 === null ? 'one for each run' : `${enrolment.address4}  ${enrolment.address6}`
  print(`  address        ${address}`)
  print(`  profile        ${approved.profile ?? '(default)'}`)
  print(`  CA fingerprint ${approved.ca_fingerprint}`)
  return 0
}

async function deny(invocation: Invocation): Promise<number> {
  const path = `/joins/${encodeURIComponent(invocation.args[0] ?? '')}/deny`
  const { join } = await askAdmin('denied', { stateDir: stateDirOf(invocation), method: 'POST', path })
  print(`${colour.green('✓')} ${join.hostname} (${join.source}) is turned away`)
  return 0
}

async function change(invocation: Invocation, how: 'block' | 'unblock'): Promise<number> {
  const path = `/devices/${encodeURIComponent(invocation.args[0] ?? '')}/${how}`
  const found = await askAdmin('device', { stateDir: stateDirOf(invocation), method: 'POST', path })
  const pinned = found.pinMode === 'off' ? '' : '; it is pinned to where it is seen next'
  const state = found.blocked ? 'blocked; its live flows were ended' : `let in again${pinned}`
  print(`${colour.green('✓')} ${found.name} is ${state}`)
  return 0
}

async function pin(invocation: Invocation): Promise<number> {
  const [name = '', wanted = ''] = invocation.args
  const named = pinModes.find((each) => each === wanted)
  if (named === undefined)
    throw new ClawError('CP_ONBOARD', `Unknown mode ${JSON.stringify(wanted)}`, {
      hint: `it is one of ${pinModes.join(', ')}`,
    })
  const mode = named === 'default' ? null : named
  const path = `/devices/${encodeURIComponent(name)}/pin`
  const found = await askAdmin('device', { stateDir: stateDirOf(invocation), method: 'POST', path, body: { mode } })
  print(`${colour.green('✓')} ${found.name} has the pin ${found.pinMode}; it joined from ${placeOf(found)}`)
  return 0
}

async function remove(invocation: Invocation): Promise<number> {
  const path = `/devices/${encodeURIComponent(invocation.args[0] ?? '')}`
  const { name } = await askAdmin('deleted', { stateDir: stateDirOf(invocation), method: 'DELETE', path })
  print(`${colour.green('✓')} ${name} is forgotten; its live flows were ended, its records stay`)
  return 0
}

function row(found: DeviceView): readonly string[] {
  const own = found.peers.find(({ ephemeral }) => !ephemeral)
  const runs = found.peers.filter(({ ephemeral }) => ephemeral).length
  const seen = found.lastSeenAt === null ? 'never' : ago(found.lastSeenAt)
  return [found.name, found.profile ?? '(default)', own?.address4 ?? '-', String(runs), seen, stateOf(found)]
}

function stateOf({ blocked, blockedReason }: DeviceView): string {
  if (!blocked) return colour.green('approved')
  return blockedReason === null ? colour.red('blocked') : `${colour.red('blocked')}: ${blockedReason}`
}

/** Nothing is on record after an unblock, until the device is seen. */
function placeOf({ external4, external6 }: DeviceView): string {
  return [external4, external6].filter((address) => address !== null).join(' and ') || 'not known yet'
}

function operator(): string {
  try {
    return `${userInfo().username} on the gateway host`
  } catch {
    return 'an operator on the gateway host'
  }
}

function ago(at: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - at) / 1000))
  if (seconds < 90) return `${seconds} s ago`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`
  return seconds < 129_600 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} d ago`
}
