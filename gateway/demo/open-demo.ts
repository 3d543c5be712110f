import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CredentialName } from '../../workers/contract/ids.ts'
import { LeafMint } from '../ca/leaf.ts'
import { openRoot } from '../ca/root.ts'
import { openVault } from '../secrets/vault.ts'
import { openDatabase } from '../store/database.ts'
import { freeTcpPort, freeUdpPort } from './free-ports.ts'
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
