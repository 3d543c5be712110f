import { z } from 'zod'
import { field, text } from '../../workers/contract/fields.ts'
import type { TunnelDefinition } from '../../workers/contract/plugin.ts'
import { parseDuration } from '../config/durations.ts'

/** How long a tunnel stays open once nobody uses it: milliseconds, or always. */
export type Keepalive = number | 'always'

/** Used when a tunnel says nothing of it, ms. */
export const usualKeepaliveMs = 300_000

/** Attributes every tunnel has; the settings of each type begin with them. */
export const tunnelSchema = z.strictObject({
  share: field(z.enum(['singleton', 'per_endpoint', 'per_conn']).optional(), {
    doc: 'Who shares one: everybody (singleton), the flows of an endpoint (per_endpoint), or nobody (per_conn).',
    example: '"per_endpoint"',
  }),
  keepalive: field(keepalive().optional(), {
    doc: 'How long it stays open once nobody uses it; always keeps it open, 0 closes it at once.',
    unit: 'duration',
    fallback: '"5m"',
    example: '"always"',
  }),
  via: field(z.unknown().optional(), {
    doc: 'Tunnel this one is reached through.',
    ref: 'tunnel',
    example: 'ssh_port_forward.jump',
  }),
  credential: field(z.unknown().optional(), {
    doc: 'Credential it is opened with.',
    ref: 'credential',
    example: 'ssh_key.jump',
  }),
})

/** The common settings of a decoded tunnel, with what holds where they say nothing. */
export function sharingOf(
  { defaultShare }: Pick<TunnelDefinition, 'defaultShare'>,
  { share, keepalive }: { readonly share?: TunnelDefinition['defaultShare']; readonly keepalive?: Keepalive },
): { readonly share: TunnelDefinition['defaultShare']; readonly keepalive: Keepalive } {
  return { share: share ?? defaultShare, keepalive: keepalive ?? usualKeepaliveMs }
}

function keepalive(): z.ZodType<Keepalive> {
  return text().transform((value, context): Keepalive => {
    if (value === 'always') return 'always'
    const ms = parseDuration(value)
    if (typeof ms === 'number' && ms >= 0) return ms
    const message =
      typeof ms === 'string' ? `${ms}; or always, or 0` : `${JSON.stringify(value)} is negative: 0 closes it at once`
    context.addIssue({ code: 'custom', message, input: value })
    return z.NEVER
  })
}
