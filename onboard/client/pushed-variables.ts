import type { PushedVariable } from '../protocol.ts'
import { jsonOf } from './gateway-http.ts'
import type { Identity } from './identity.ts'
import { reachGateway } from './reach-gateway.ts'
import { refused, variablesOf } from './session.ts'

/** Asks the gateway what it puts into the environment of this device's commands. @throws ClawError saying why not */
export async function pushedVariables(identity: Identity, timeoutMs: number): Promise<readonly PushedVariable[]> {
  const gateway = await reachGateway(identity)
  try {
    const path = '/api/env-pushdown'
    const reply = await gateway.ask({ method: 'GET', path, token: identity.token, timeoutMs })
    if (reply.status !== 200) throw refused(reply)
    return variablesOf(jsonOf(reply)?.vars)
  } finally {
    await gateway.close()
  }
}
