import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import type { CredentialName } from '../../workers/contract/ids.ts'
import { LeafMint } from '../ca/leaf.ts'
import { openRoot } from '../ca/root.ts'
import { openVault } from '../secrets/vault.ts'
import { openDatabase } from '../store/database.ts'
import { demoCredential, demoHosts, demoPolicy } from './policy.ts'
import { startUpstreams } from './upstreams.ts'

/** The demo's upstreams, running, and the policy for them. */
export interface Demo extends AsyncDisposable {
  readonly configPath: string
}

/** Starts the demo upstreams with a certificate authority and a token made anew, and writes a policy for them. */
export async function openDemo(dir: string): Promise<Demo> {
  const stateDir = join(dir, 'state')
  const root = await openRoot({ ownKey: (_name, make) => make() })
  const leaves = new LeafMint(root)
  const token = randomBytes(24).toString('base64url')
  const upstreams = await startUpstreams({
    notes: await leaves.certificate(demoHosts.notes),
    ledger: await leaves.certificate(demoHosts.ledger),
    token,
  })
  await keepToken(stateDir, token)
  const caFile = join(dir, 'demo-upstreams-ca.crt')
  writeFileSync(caFile, root.certificatePem)
  const configPath = join(dir, 'demo.hcl')
  const { notesPort, ledgerPort } = upstreams
  const place = {
    stateDir,
    wireguardPort: await freeUdpPort(),
    apiPort: await freeTcpPort(),
    notesPort,
    ledgerPort,
    caFile,
  }
  writeFileSync(configPath, demoPolicy(place))
  return { configPath, [Symbol.asyncDispose]: () => upstreams[Symbol.asyncDispose]() }
}

/** As `clawpatrol secret set` would. */
async function keepToken(stateDir: string, token: string): Promise<void> {
  const database = openDatabase(stateDir)
  try {
    const vault = await openVault(database)
    vault.set(demoCredential as CredentialName, '', token)
    await vault[Symbol.asyncDispose]()
  } finally {
    database.close()
  }
}

function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function freeUdpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.bind(0, () => {
      const { port } = socket.address()
      socket.close(() => resolve(port))
    })
  })
}
