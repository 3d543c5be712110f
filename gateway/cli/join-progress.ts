import type { Invitation, Joined } from '../../onboard/client/join.ts'
import { colour, print, printError, printFailure } from './print.ts'

/** Tells people who would enrol root instead of themselves. */
export function isUnderSudo(command: 'join' | 'login'): boolean {
  if (process.geteuid?.() !== 0 || process.env.SUDO_USER === undefined) return false
  printError(`clawpatrol: do not run ${command} under sudo: it would enrol root instead of you`)
  printError('hint: run it as yourself; it asks for sudo when it needs it')
  return true
}

/** Shows people what to approve. */
export async function invitationPrinter(): Promise<(invitation: Invitation) => void> {
  const { renderUnicodeCompact } = await import('uqr')
  return ({ userCode, verifyUrl, hostname, fingerprint, isVouchedFor }) => {
    print(`* Approve this device (${hostname}): code ${colour.bold(userCode)}`)
    print(`  on the gateway host: clawpatrol device approve ${userCode}`)
    if (verifyUrl !== null) {
      print(`  or on ${verifyUrl}`)
      if (process.stdout.isTTY) print(renderUnicodeCompact(verifyUrl, { ecc: 'M' }))
    }
    if (fingerprint !== null) print(`  CA fingerprint ${fingerprint}`)
    print(
      isVouchedFor
        ? "  a public authority vouches for the gateway's address"
        : '  compare it with what the gateway shows: nothing else proves which gateway this is',
    )
  }
}

/** What is still to be done on this machine once it has joined. */
export interface JoinedMachine {
  readonly dir: string
  readonly isTrusting: boolean
  readonly isWhole: boolean
}

/** Makes this machine ready for the gateway it has joined, and tells what people can do now. */
export async function finishJoin(joined: Joined, { dir, isTrusting, isWhole }: JoinedMachine): Promise<void> {
  print(`${colour.green('✓')} approved by ${joined.approvedBy}`)
  if (isTrusting) await trustOnThisMachine(dir, joined.ca)
  print(`${colour.green('✓')} joined ${joined.gateway} as ${joined.deviceName}`)
  if (isWhole) {
    await routeThisMachine(dir)
    return
  }
  if (joined.mode === 'tailscale') await tryTailnet(dir)
  print('Try: clawpatrol run -- curl https://example.com')
}

async function trustOnThisMachine(dir: string, ca: string): Promise<void> {
  const { installTrust } = await import('../../onboard/client/trust.ts')
  const done = await installTrust({ dir, ca })
  if (done.kind === 'installed') print(`${colour.green('✓')} this machine trusts the gateway's CA`)
  else if (done.kind === 'present') print(`${colour.green('✓')} this machine trusted the gateway's CA already`)
  else {
    printError(`${colour.yellow('⚠')} the machine's trust store was left alone: ${done.why}`)
    for (const line of done.commands) printError(`  ${line}`)
  }
}

async function routeThisMachine(dir: string): Promise<void> {
  const { routeWholeMachine } = await import('../../onboard/client/whole-machine/mode.ts')
  const { how } = await routeWholeMachine(dir)
  print(`${colour.green('✓')} all traffic of this machine goes to the gateway (${how})`)
  print('Run tools directly; in this shell: eval "$(clawpatrol env)"')
}

/** The join is good whatever comes of it: what is missing may be added later. */
async function tryTailnet(dir: string): Promise<void> {
  const { tryOut } = await import('../../onboard/client/try-out.ts')
  try {
    await tryOut(dir)
    print(`${colour.green('✓')} a node of this machine reaches the gateway through the tailnet`)
  } catch (error) {
    printError(`${colour.yellow('⚠')} runs will not get through yet:`)
    printFailure(error)
  }
}
