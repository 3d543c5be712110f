import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { TsnetTailnet } from '../../gateway/tailnet/tsnet.ts'
import { controlBuildMs, startControl } from './control.ts'
import { describeIsolated } from './isolated.ts'
import { type PlainNode, startNode } from './node.ts'

const exitRoutes = ['0.0.0.0/0', '::/0']
const nobody = { flow: () => undefined, datagrams: () => undefined, query: () => undefined }

describeIsolated("the gateway node's own server", import.meta.url, () => {
  it('answers no other node, although the one of any other exit node does', { timeout: controlBuildMs }, async () => {
    await using control = await startControl()
    const stateDir = mkdtempSync(join(tmpdir(), 'clawpatrol-peer-api-'))
    onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }))
    const { key } = await control.mint({ tags: ['tag:gateway'], reusable: true })
    const { controlUrl } = control
    await using gateway = new TsnetTailnet({
      stateDir,
      hostname: 'gateway',
      authKey: key,
      controlUrl,
      routes: exitRoutes,
    })
    await gateway.start(nobody, new AbortController().signal)
    await using plain = await startNode(control, { hostname: 'plain', authKey: key, advertise: exitRoutes })
    const { key: userKey } = await control.mint({})
    await using peer = await startNode(control, { hostname: 'peer', authKey: userKey })
    const ask = async (name: string) => peer.get(`${await peerApi(peer, name)}/dns-query?dns=`, 3000)
    expect((await ask(plain.name)).status).toBeGreaterThanOrEqual(200)
    const { name } = await gateway.status()
    await expect(ask(name)).rejects.toThrow()
  })
})

/** Where a node's own server is, as another node is told. */
async function peerApi(peer: PlainNode, name: string): Promise<string> {
  const { Peer } = (await peer.status()) as {
    readonly Peer: { readonly [key: string]: { readonly DNSName: string; readonly PeerAPIURL?: readonly string[] } }
  }
  const found = Object.values(Peer).find(({ DNSName }) => DNSName === `${name}.`)
  const url = found?.PeerAPIURL?.[0]
  if (url === undefined) throw new Error(`${name} has no server: ${JSON.stringify(Peer)}`)
  return url
}
