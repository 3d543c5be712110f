import { type GatewayHttp, jsonOf } from './gateway-http.ts'

/** What came of a person's wish to approve their own join. */
export type SelfApproval =
  | { readonly kind: 'approved' }
  /** Somebody else has to. */
  | { readonly kind: 'not-operator' }
  | { readonly kind: 'failed'; readonly why: string }

const approveMs = 15_000

/** Asks the gateway to approve a join in the name of whoever this connection inside the tailnet belongs to. */
export async function selfApprove(
  http: Pick<GatewayHttp, 'ask'>,
  join: { readonly userCode: string; readonly profile: string | null },
): Promise<SelfApproval> {
  const body = { code: join.userCode, ...(join.profile === null ? {} : { profile: join.profile }) }
  try {
    const reply = await http.ask({ method: 'POST', path: '/api/onboard/approve', body, timeoutMs: approveMs })
    if (reply.status === 200) return { kind: 'approved' }
    if (reply.status === 403) return { kind: 'not-operator' }
    const said = jsonOf(reply)?.error
    return { kind: 'failed', why: typeof said === 'string' ? said.slice(0, 200) : `status ${reply.status}` }
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) }
  }
}
