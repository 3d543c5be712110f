import { ClawError } from '../../workers/contract/errors.ts'
import { apiVersion, infoReply } from '../protocol.ts'
import { type CaCertificate, readCaCertificate } from './ca-certificate.ts'
import {
  type Connect,
  type GatewayAddress,
  gatewayHttp,
  isUnknownAuthority,
  jsonOf,
  type Trust,
} from './gateway-http.ts'
import { type GatewayUrl, isNearby } from './gateway-url.ts'

const fetchMs = 10_000

/** A gateway that was talked to, and how it will be recognised from now on. */
export interface MetGateway {
  readonly address: GatewayAddress
  /** null: a gateway behind Funnel, where its CA comes with the approval. */
  readonly ca: CaCertificate | null
  /** A public authority vouches for the gateway; otherwise people compare fingerprints. */
  readonly isVouchedFor: boolean
}

/**
 * Fetches a gateway's CA and finds a connection it proves itself on: TLS by a public authority if it has that,
 * else TLS with a certificate of the very CA whose fingerprint people compare.
 * @param mayBePlain someone insisted on plain HTTP where nothing better works
 * @param connect a way through a private network, instead of this machine's own
 */
export async function meetGateway(url: GatewayUrl, mayBePlain: boolean, connect?: Connect): Promise<MetGateway> {
  if (!url.isTls && !mayBePlain && connect === undefined && !(await isNearby(url.host)))
    throw new ClawError(
      'CP_ONBOARD',
      `Will not join over plain http: ${JSON.stringify(url.host)} is not a private address`,
      {
        hint: `use https://, or add --insecure-http if you know the network between`,
      },
    )
  if (url.isTls) {
    const met = await trySystem(url, connect)
    if (met !== null) return met
  }
  const ca = await fetchCa({ url: url.origin, trust: url.isTls ? 'unverified' : 'none', ca: null }, connect)
  if (ca === null) throw noGateway(url.origin, 404)
  const pinned: GatewayAddress = { url: url.origin, trust: 'pinned', ca: ca.pem }
  try {
    await checkInfo(pinned, ca, connect)
    return { address: pinned, ca, isVouchedFor: false }
  } catch (error) {
    if (url.isTls || !mayBePlain) throw unproven(url, error)
  }
  const plain: GatewayAddress = { url: url.origin, trust: 'none', ca: null }
  await checkInfo(plain, ca, connect)
  return { address: plain, ca, isVouchedFor: false }
}

async function trySystem(url: GatewayUrl, connect?: Connect): Promise<MetGateway | null> {
  const address: GatewayAddress = { url: url.origin, trust: 'system' satisfies Trust, ca: null }
  try {
    const ca = await fetchCa(address, connect)
    if (ca !== null) await checkInfo(address, ca, connect)
    return { address, ca, isVouchedFor: true }
  } catch (error) {
    if (isUnknownAuthority(error)) return null
    throw error
  }
}

/** @returns null where there is none to be had before the join is approved */
async function fetchCa(address: GatewayAddress, connect?: Connect): Promise<CaCertificate | null> {
  const http = await gatewayHttp(address, connect)
  try {
    const reply = await http.ask({ method: 'GET', path: '/ca.crt', timeoutMs: fetchMs })
    if (reply.status === 200) return readCaCertificate(reply.text)
    if (reply.status === 404) return null
    throw noGateway(address.url, reply.status)
  } finally {
    http.close()
  }
}

async function checkInfo(address: GatewayAddress, ca: CaCertificate, connect?: Connect): Promise<void> {
  const http = await gatewayHttp(address, connect)
  try {
    const reply = await http.ask({ method: 'GET', path: '/info', timeoutMs: fetchMs })
    const info = infoReply.safeParse(jsonOf(reply))
    if (reply.status !== 200 || !info.success)
      throw new ClawError('CP_ONBOARD', `${address.url} is no clawpatrol gateway: /info answered ${reply.status}`)
    if (info.data.api !== apiVersion)
      throw new ClawError(
        'CP_ONBOARD',
        `The gateway speaks version ${info.data.api} of the protocol, this is ${apiVersion}`,
        {
          hint: 'install the same version of clawpatrol here and there',
        },
      )
    if (info.data.ca_fingerprint !== ca.fingerprint)
      throw new ClawError('CP_ONBOARD', 'The gateway sent a CA certificate that is not its own', {
        hint: 'someone between here and the gateway may be changing what it sends',
      })
  } finally {
    http.close()
  }
}

function noGateway(url: string, status: number): ClawError {
  return new ClawError('CP_ONBOARD', `${url} is no clawpatrol gateway: /ca.crt answered ${status}`)
}

function unproven(url: GatewayUrl, error: unknown): ClawError {
  if (error instanceof ClawError && error.cause === undefined) return error
  return new ClawError('CP_ONBOARD', `The gateway at ${url.origin} cannot prove itself with its own CA over TLS`, {
    cause: error,
    hint: url.isTls
      ? 'its certificate is of neither a public authority nor the gateway: look at the proxy in front of it'
      : 'use the https:// address of the proxy in front of it, or add --insecure-http',
  })
}
