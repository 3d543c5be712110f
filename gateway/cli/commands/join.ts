import { identityDir } from '../../../onboard/client/identity.ts'
import type { Invitation } from '../../../onboard/client/join.ts'
import type { Transport } from '../../../onboard/protocol.ts'
import { ClawError } from '../../../workers/contract/errors.ts'
import { orExit2 } from '../client-failure.ts'
import type { Command, Invocation } from '../command.ts'
import { colour, print, printError, printFailure } from '../print.ts'

/** `clawpatrol join <url>` */
export const join: Command = {
  name: 'join',
  summary: 'enrol this machine at a gateway',
  args: [{ word: '<gateway-url>', summary: 'for example https://gateway.example:8080' }],
  options: [
    { flags: '--hostname <name>', summary: 'name shown to the operator (default: of this machine)' },
    {
      flags: '--transport <kind>',
      summary: 'wireguard or tailscale, where the gateway has both (default: its choice)',
    },
    { flags: '--profile <name>', summary: 'profile to suggest to the operator' },
    {
      flags: '--no-trust',
      summary: "leave this machine's trust store alone; wrapped commands trust the gateway anyway",
    },
    {
      flags: '--ca-dir <dir>',
      summary: 'where to keep what the gateway sends (default: CLAWPATROL_DIR or ~/.clawpatrol)',
    },
    {
      flags: '--whole-machine',
      summary: 'route all traffic of this machine to the gateway, not only of wrapped commands (Linux)',
    },
    { flags: '--insecure-http', summary: 'allow plain http to a public address' },
  ],
  examples: ['clawpatrol join https://gateway.example:8080', 'clawpatrol join http://192.168.1.5:8080 --no-trust'],
  exitCodes: [{ code: 2, meaning: 'this machine did not join' }],
  run: (invocation) => orExit2(() => joinAs(invocation)),
}

async function joinAs({ args, options }: Invocation): Promise<number> {
  if (process.geteuid?.() === 0 && process.env.SUDO_USER !== undefined) {
    printError('clawpatrol: do not run join under sudo: it would enrol root instead of you')
    printError('hint: run it as yourself; it asks for sudo when it needs it')
    return 2
  }
  const { joinGateway } = await import('../../../onboard/client/join.ts')
  const { renderUnicodeCompact } = await import('uqr')
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : null)
  const dir = text('caDir') ?? identityDir()
  const joined = await joinGateway({
    url: args[0] ?? '',
    dir,
    hostname: text('hostname'),
    profile: text('profile'),
    transport: transportOf(text('transport')),
    insecureHttp: options.insecureHttp === true,
    wholeMachine: options.wholeMachine === true,
    show: (invitation) => show(invitation, renderUnicodeCompact),
  })
  print(`${colour.green('✓')} approved by ${joined.approvedBy}`)
  if (options.trust !== false) await trustOnThisMachine(dir, joined.ca)
  print(`${colour.green('✓')} joined ${joined.gateway} as ${joined.deviceName}`)
  if (options.wholeMachine === true) await routeThisMachine(dir)
  else {
    if (joined.mode === 'tailscale') await tryTailnet(dir)
    print('Try: clawpatrol run -- curl https://example.com')
  }
  return 0
}

/** The join is good whatever comes of it: what is missing may be added later. */
async function tryTailnet(dir: string): Promise<void> {
  const { tryOut } = await import('../../../onboard/client/try-out.ts')
  try {
    await tryOut(dir)
    print(`${colour.green('✓')} a node of this machine reaches the gateway through the tailnet`)
  } catch (error) {
    printError(`${colour.yellow('⚠')} runs will not get through yet:`)
    printFailure(error)
  }
}

async function routeThisMachine(dir: string): Promise<void> {
  const { routeWholeMachine } = await import('../../../onboard/client/whole-machine/mode.ts')
  const { how } = await routeWholeMachine(dir)
  print(`${colour.green('✓')} all traffic of this machine goes to the gateway (${how})`)
  print('Run tools directly; in this shell: eval "$(clawpatrol env)"')
}

function transportOf(word: string | null): Transport | null {
  if (word === null || word === 'wireguard' || word === 'tailscale') return word
  throw new ClawError('CP_ONBOARD', `--transport knows no ${JSON.stringify(word)}`, { hint: 'wireguard or tailscale' })
}

function show(invitation: Invitation, qr: (text: string, options: { ecc: 'M' }) => string): void {
  const { userCode, verifyUrl } = invitation
  print(`* Approve this device (${invitation.hostname}): code ${colour.bold(userCode)}`)
  print(`  on the gateway host: clawpatrol device approve ${userCode}`)
  if (verifyUrl !== null) {
    print(`  or on ${verifyUrl}`)
    if (process.stdout.isTTY) print(qr(verifyUrl, { ecc: 'M' }))
  }
  if (invitation.fingerprint !== null) print(`  CA fingerprint ${invitation.fingerprint}`)
  print(
    invitation.isVouchedFor
      ? "  a public authority vouches for the gateway's address"
      : '  compare it with what the gateway shows: nothing else proves which gateway this is',
  )
}

async function trustOnThisMachine(dir: string, ca: string): Promise<void> {
  const { installTrust } = await import('../../../onboard/client/trust.ts')
  const done = await installTrust({ dir, ca })
  if (done.kind === 'installed') print(`${colour.green('✓')} this machine trusts the gateway's CA`)
  else if (done.kind === 'present') print(`${colour.green('✓')} this machine trusted the gateway's CA already`)
  else {
    printError(`${colour.yellow('⚠')} the machine's trust store was left alone: ${done.why}`)
    for (const line of done.commands) printError(`  ${line}`)
  }
}
