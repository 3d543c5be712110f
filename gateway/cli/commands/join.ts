import { identityDir } from '../../../onboard/client/identity.ts'
import type { Transport } from '../../../onboard/protocol.ts'
import { ClawError } from '../../../workers/contract/errors.ts'
import { orExit2 } from '../client-failure.ts'
import type { Command, Invocation } from '../command.ts'
import { finishJoin, invitationPrinter, isUnderSudo } from '../join-progress.ts'

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
    { flags: '--login', summary: 'reach the gateway with your own tailnet account, as clawpatrol login --url does' },
    { flags: '--control-url <url>', summary: 'with --login: control server of the tailnet (default: of Tailscale)' },
  ],
  examples: ['clawpatrol join https://gateway.example:8080', 'clawpatrol join http://192.168.1.5:8080 --no-trust'],
  exitCodes: [{ code: 2, meaning: 'this machine did not join' }],
  run: (invocation) =>
    invocation.options.login === true ? joinAfterLogin(invocation) : orExit2(() => joinAs(invocation)),
}

async function joinAfterLogin({ args, options }: Invocation): Promise<number> {
  const { loginAs } = await import('./login.ts')
  return await loginAs({ ...options, url: args[0] ?? '' })
}

async function joinAs({ args, options }: Invocation): Promise<number> {
  if (isUnderSudo('join')) return 2
  const { joinGateway } = await import('../../../onboard/client/join.ts')
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : null)
  const dir = text('caDir') ?? identityDir()
  const isWhole = options.wholeMachine === true
  const joined = await joinGateway({
    url: args[0] ?? '',
    dir,
    hostname: text('hostname'),
    profile: text('profile'),
    transport: transportOf(text('transport')),
    insecureHttp: options.insecureHttp === true,
    wholeMachine: isWhole,
    show: await invitationPrinter(),
  })
  await finishJoin(joined, { dir, isTrusting: options.trust !== false, isWhole })
  return 0
}

function transportOf(word: string | null): Transport | null {
  if (word === null || word === 'wireguard' || word === 'tailscale') return word
  throw new ClawError('CP_ONBOARD', `--transport knows no ${JSON.stringify(word)}`, { hint: 'wireguard or tailscale' })
}
