import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { jsonOf } from './gateway-http.ts'
import { type Identity, identityFiles, loadIdentity } from './identity.ts'
import { type GatewayReach, reachGateway } from './reach-gateway.ts'
import { refused } from './session.ts'
import { isWholeMachine } from './whole-machine/marker.ts'

const probeMs = 5000

/** One thing that must be right for runs to work. */
export interface Check {
  readonly name: string
  readonly isRight: boolean
  /** What was found. */
  readonly detail: string
}

/** Checks this machine's join, from its files to an answer of the gateway. The first that is wrong ends it. */
export async function checkJoin(dir: string): Promise<readonly Check[]> {
  const checks: Check[] = []
  const note = (name: string, isRight: boolean, detail: string) => {
    checks.push({ name, isRight, detail })
    return isRight
  }
  const identity = attempt(() => loadIdentity(dir))
  if (identity instanceof Error) {
    note('joined', false, identity.message)
    return checks
  }
  note('joined', true, `${identity.gateway.url} as ${identity.deviceName}`)
  note('files', ...checkModes(identity))
  if (!note('CA', ...checkCa(identity))) return checks
  if (isWholeMachine(dir) && !note('whole machine', ...(await checkRouting(identity)))) return checks
  const gateway = await reachGateway(identity).catch((error: Error) => error)
  if (gateway instanceof Error) {
    note('tailnet', false, gateway.message)
    return checks
  }
  try {
    if (identity.tailnet !== null) note('tailnet', true, `a node of this machine reaches ${identity.tailnet.gatewayIp}`)
    if (!note('gateway', ...(await checkGateway(gateway, identity)))) return checks
    note('device', ...(await checkDevice(gateway, identity)))
  } finally {
    await gateway.close()
  }
  return checks
}

type Found = readonly [isRight: boolean, detail: string]

async function checkRouting(identity: Identity): Promise<Found> {
  const { routingState } = await import('./whole-machine/mode.ts')
  const state = await routingState(identity).catch((error: Error) => ({ kind: 'down' as const, why: error.message }))
  return state.kind === 'up' ? [true, state.how] : [false, `${state.why}: join again with --whole-machine`]
}

function checkModes(identity: Identity): Found {
  const key = identity.tailnet === null ? identityFiles.wireguard : identityFiles.authKey
  for (const name of [identityFiles.token, key, identityFiles.config]) {
    const path = join(identity.dir, name)
    const found = attempt(() => statSync(path))
    if (found instanceof Error) return [false, `${path} is missing`]
    if ((found.mode & 0o077) !== 0) return [false, `${path} can be read by others: chmod 600 ${path}`]
  }
  return [true, identity.dir]
}

function checkCa(identity: Identity): Found {
  const certificate = attempt(() => new X509Certificate(readFileSync(identity.caFile)))
  if (certificate instanceof Error) return [false, `${identity.caFile} is no certificate`]
  if (certificate.fingerprint256 !== identity.caFingerprint)
    return [false, `${identity.caFile} is not the certificate of the join`]
  if (Date.parse(certificate.validTo) < Date.now()) return [false, `it expired ${certificate.validTo}`]
  return [true, certificate.fingerprint256]
}

async function checkGateway(http: GatewayReach, identity: Identity): Promise<Found> {
  // to a node that is the device itself, what strangers may ask does not exist
  const isDevice = identity.tailnet !== null && isWholeMachine(identity.dir)
  const path = isDevice ? '/api/peer/self' : '/info'
  try {
    const token = isDevice ? { token: identity.token } : {}
    const reply = await http.ask({ method: 'GET', path, ...token, timeoutMs: probeMs })
    const fingerprint = jsonOf(reply)?.ca_fingerprint
    if (reply.status !== 200) return [false, `${path} answered ${reply.status}`]
    if (fingerprint !== identity.caFingerprint) return [false, 'it has another CA now: join it again']
    return [true, `answers (${identity.tailnet === null ? trustText[identity.gateway.trust] : 'through the tailnet'})`]
  } catch (error) {
    return [false, error instanceof Error ? error.message : String(error)]
  }
}

const trustText = {
  pinned: 'TLS, certificate of its own CA',
  system: 'TLS, certificate of a public authority',
  none: 'plain http',
  unverified: 'TLS, unverified',
} as const

async function checkDevice(http: GatewayReach, identity: Identity): Promise<Found> {
  try {
    const reply = await http.ask({ method: 'GET', path: '/api/peer/self', token: identity.token, timeoutMs: probeMs })
    if (reply.status !== 200) return [false, refused(reply).message]
    const self = jsonOf(reply)
    return [
      true,
      `approved, profile ${String(self?.profile ?? '(default)')}, address ${String(self?.address ?? 'one for each run')}`,
    ]
  } catch (error) {
    return [false, error instanceof Error ? error.message : String(error)]
  }
}

function attempt<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
