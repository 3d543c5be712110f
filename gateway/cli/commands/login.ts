import { identityDir } from '../../../onboard/client/identity.ts'
import type { LoginProgress } from '../../../onboard/client/login.ts'
import { ClawError } from '../../../workers/contract/errors.ts'
import { orExit2 } from '../client-failure.ts'
import type { Command, Invocation } from '../command.ts'
import { finishJoin, invitationPrinter, isUnderSudo } from '../join-progress.ts'
import { colour, print, printError } from '../print.ts'

const endedBySignal = 130

/** `clawpatrol login` */
export const login: Command = {
  name: 'login',
  summary: 'enrol this machine at a gateway that only its tailnet reaches, with your own tailnet account',
  options: [
    { flags: '--name <name>', summary: "the gateway's name in the tailnet (default: clawpatrol-gateway)" },
    { flags: '--url <url>', summary: 'its URL inside the tailnet, instead of its name (default: http, port 8080)' },
    { flags: '--control-url <url>', summary: 'control server of the tailnet (default: of Tailscale)' },
    { flags: '--hostname <name>', summary: 'name shown to the operator (default: of this machine)' },
    { flags: '--profile <name>', summary: 'profile to suggest to the operator, or to take as one' },
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
  ],
  examples: [
    'clawpatrol login',
    'clawpatrol login --name team-gateway',
    'TS_AUTHKEY=$(cat key) clawpatrol login --url http://team-gateway.tailnet.ts.net:8080',
  ],
  exitCodes: [
    { code: 2, meaning: 'this machine did not join' },
    { code: endedBySignal, meaning: 'interrupted; your node has left the tailnet' },
  ],
  run: ({ options }) => loginAs(options),
}

/** Joins with the person's own account, whose temporary node leaves the tailnet whatever happens. */
export async function loginAs(options: Invocation['options']): Promise<number> {
  if (isUnderSudo('login')) return 2
  return await orExit2(async () => {
    const { defaultGatewayName, joinByLogin } = await import('../../../onboard/client/login.ts')
    const text = (name: string) => (typeof options[name] === 'string' ? options[name] : null)
    const dir = text('caDir') ?? identityDir()
    const url = text('url')
    const isWhole = options.wholeMachine === true
    const [tell, show] = [await progressPrinter(), await invitationPrinter()]
    const joined = await untilInterrupted((signal) =>
      joinByLogin({
        gateway: url === null ? { name: text('name') ?? defaultGatewayName } : { url },
        authKey: takeAuthKey(),
        controlUrl: text('controlUrl') ?? '',
        dir,
        hostname: text('hostname'),
        profile: text('profile'),
        wholeMachine: isWhole,
        signal,
        tell,
        show,
      }),
    )
    if (joined === null) {
      printError('clawpatrol: interrupted, nothing was joined')
      return endedBySignal
    }
    await finishJoin(joined, { dir, isTrusting: options.trust !== false, isWhole })
    return 0
  })
}

const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** @returns null when a signal ended the work; a second one ends the process at once */
async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
  const stop = new AbortController()
  const end = () => stop.abort()
  for (const signal of ending) process.once(signal, end)
  try {
    return await work(stop.signal)
  } catch (error) {
    if (stop.signal.aborted && error instanceof ClawError) return null
    throw error
  } finally {
    for (const signal of ending) process.removeListener(signal, end)
  }
}

/** The key is nobody else's business: what is started from here does not get it. */
function takeAuthKey(): string {
  const { TS_AUTHKEY: key = '' } = process.env
  delete process.env.TS_AUTHKEY
  return key.trim()
}

async function progressPrinter(): Promise<LoginProgress> {
  const { renderUnicodeCompact } = await import('uqr')
  return {
    loginUrl(url) {
      print('* Log in to the tailnet with your own account; a temporary node of yours looks for the gateway:')
      print(`  ${url}`)
      if (process.stdout.isTTY) print(renderUnicodeCompact(url, { ecc: 'M' }))
    },
    found({ name, user, tags }, gateway) {
      print(`${colour.green('✓')} in the tailnet as ${user ?? tags.join(', ')} (${name}), until this is over`)
      print(`${colour.green('✓')} found the gateway ${gateway}`)
    },
    selfApproval(outcome, { fingerprint }) {
      switch (outcome.kind) {
        case 'approved':
          print(`${colour.green('✓')} approved by yourself: you are an operator of this gateway`)
          if (fingerprint !== null) print(`  CA fingerprint ${fingerprint}`)
          return
        case 'not-operator':
          return
        case 'failed':
          printError(`${colour.yellow('⚠')} the gateway would not let you approve it yourself: ${outcome.why}`)
          return
        default:
          outcome satisfies never
      }
    },
  }
}
