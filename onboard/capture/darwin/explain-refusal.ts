import { ClawError } from '../../../workers/contract/errors.ts'
import { type TailnetProblem, tailnetProblem } from '../tailnet-problem.ts'
import { ControlRefusal, openAgain, sameRelease } from './control-channel.ts'
import type { RefusalCode, TunnelSettings } from './protocol.ts'

/** What a person does so that macOS lets the extension work. */
export const approveExtension =
  'open Clawpatrol.app and allow its network extension in System Settings > General > Login Items & Extensions'

/**
 * Turns what kept Clawpatrol.app from doing something into an error with its fix. What is no refusal stays as it is.
 * @param action what was asked for, as in "Cannot <action>"
 * @param settings the tunnel it was about: its keys are kept out of the message, whatever the app says
 */
export function explainRefusal(error: unknown, action: string, settings: TunnelSettings | null = null): unknown {
  if (!(error instanceof ControlRefusal)) return error
  const { code } = error
  const message = withoutKeys(error.message, settings)
  if (settings?.kind === 'tailnet' && isTailnetCode(code)) {
    const { authKey, controlUrl, gatewayIp } = settings
    const kind = code.slice('tailnet-'.length) as TailnetProblem
    return tailnetProblem({ kind, message }, { authKey, controlUrl, exitNode: gatewayIp })
  }
  const hint = hints[code]
  return new ClawError('CP_CAPTURE', `Cannot ${action}: ${message}`, hint === undefined ? {} : { hint })
}

const hints: { readonly [C in RefusalCode]?: string } = {
  version: sameRelease,
  extension: approveExtension,
  forbidden: 'a command that is captured may not capture: run it outside of clawpatrol run',
  'no-tunnel': 'run it again',
  'no-process': 'run it again',
  limit: 'end some of the commands that run captured',
  failed: openAgain,
}

function isTailnetCode(code: RefusalCode): boolean {
  return code.startsWith('tailnet-')
}

function withoutKeys(message: string, settings: TunnelSettings | null): string {
  if (settings === null) return message
  const key = settings.kind === 'tailnet' ? settings.authKey : settings.privateKey
  return message.replaceAll(key, '[key]')
}
