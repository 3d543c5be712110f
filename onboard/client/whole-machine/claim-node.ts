import type { TailnetIdentity } from '../identity.ts'
import { ownTailnetHttp } from '../reach-gateway.ts'
import { refused } from '../session.ts'

const claimMs = 20_000

/** Tells the gateway, over this machine's own tailnet connection, that the node it comes from is this device. */
export async function claimNode(token: string, tailnet: TailnetIdentity): Promise<void> {
  const http = await ownTailnetHttp(tailnet)
  try {
    const path = '/api/peer/tsnet/register'
    const reply = await http.ask({ method: 'POST', path, token, body: {}, timeoutMs: claimMs })
    if (reply.status !== 200) throw refused(reply)
  } finally {
    http.close()
  }
}
