import { networkInterfaces } from 'node:os'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../support/agent.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { type NameServer, startNameServer } from '../support/name-server.ts'
import { openTrap, type Trap } from '../support/trap.ts'

const client = fileURLToPath(new URL('clients/reach.py', import.meta.url))
const ownAddresses = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .map(({ address }) => address.replace(/%.*$/, ''))

/** The one address of this host that the configuration opens. */
const allowed = '127.0.0.9'

describe('P6: from inside of the tunnel, where unknown hosts may pass', () => {
  let names: NameServer
  let trap: Trap
  let lab: Lab
  let agent: Agent

  beforeAll(async () => {
    trap = await openTrap()
    names = await startNameServer({
      'loopback.example.test': [['127.0.0.1']],
      'own.example.test': [ownAddresses.filter((address) => !address.includes(':'))],
      'metadata.example.test': [['169.254.169.254']],
      'private.example.test': [['10.1.2.3']],
      'turning.example.test': [[allowed], ['127.0.0.1']],
      'outside.example.test': [['203.0.113.7']],
    })
    lab = await startLab({
      names: ['api.example.test'],
      gatewayLines: [`resolver = "127.0.0.1:${names.port}"`, `relay_allow = ["${allowed}/32"]`],
      policy: () => policy(trap.port),
    })
    agent = await startAgent(lab)
  })

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
    await trap?.[Symbol.asyncDispose]()
    await names?.[Symbol.asyncDispose]()
  })

  /** Outcome of each target; `answered` and `handshake` mean that something was reached. */
  const reach = async (targets: readonly string[]) => {
    const { stdout } = await agent.run(['python3', client, ...targets])
    const lines = stdout.trim().split('\n')
    expect(lines).toHaveLength(targets.length)
    return lines.filter((line) => /answered|handshake/.test(line))
  }

  it("no address of the gateway's own answers, over TCP or UDP, on any port it listens on", async () => {
    const carried = ownAddresses.filter((address) => !address.includes(':')).map((address) => `::ffff:${address}`)
    const hosts = [...ownAddresses, ...carried, '10.55.0.1', 'fd77::1', '0.0.0.0', '::']
    const ports = [lab.apiPort, lab.wireguardPort, trap.port]
    const targets = hosts.flatMap((host) =>
      ports.flatMap((port) => ['tcp', 'udp'].map((kind) => `${kind}:${host}:${port}`)),
    )
    expect(await reach(targets)).toEqual([])
    expect(trap.caught).toEqual([])
  })

  it('link-local, metadata and private addresses are refused at once', async () => {
    const hosts = ['169.254.169.254', '168.63.129.16', '100.100.100.200', '10.1.2.3', '172.16.0.1', '192.168.1.1']
    const more = ['fd00:ec2::254', 'fe80::1', '64:ff9b::7f00:1', '2002:7f00:1::', '::ffff:169.254.169.254']
    const begun = Date.now()
    expect(await reach([...hosts, ...more].flatMap((host) => [`tcp:${host}:80`, `tls:${host}:443:x.test`]))).toEqual([])
    expect(Date.now() - begun).toBeLessThan(6000)
  })

  it('a name that leads to the gateway or its network leads nowhere', async () => {
    const hosts = ['loopback', 'own', 'metadata', 'private'].map((name) => `${name}.example.test`)
    const targets = hosts.flatMap((host) => [`tcp:${host}:${trap.port}`, `tls:${host}:443:${host}`])
    expect(await reach(targets)).toEqual([])
    expect(trap.caught).toEqual([])
  })

  it('a name in the ClientHello leads no further than an address does', async () => {
    const hosts = ['loopback', 'own', 'metadata', 'private'].map((name) => `${name}.example.test`)
    const targets = hosts.flatMap((host) => [443, trap.port].map((port) => `tls:198.51.100.1:${port}:${host}`))
    expect(await reach(targets)).toEqual([])
    expect(names.asked).toContain('loopback.example.test')
    expect(trap.caught).toEqual([])
  })

  it('a name that turns from an allowed address to another is only ever dialled where it was judged', async () => {
    const target = `tls:198.51.100.1:${trap.port}:turning.example.test`
    await reach([target])
    await reach([target, target])
    expect(new Set(trap.caught)).toEqual(new Set([`tcp to ::ffff:${allowed}`]))
  })

  it('such look-ups are answered without the address', async () => {
    const hosts = ['loopback', 'own', 'metadata'].map((name) => `${name}.example.test`)
    const script = `for name in ${hosts.join(' ')} outside.example.test; do getent ahostsv4 $name || echo none; done`
    const { stdout } = await agent.sh(script)
    expect(stdout).toMatch(/^none\nnone\nnone\n203\.0\.113\.7 +STREAM/)
  })

  it('each refusal is on record with its reason', async () => {
    const records = await lab.records('--denied')
    const reasons = new Set(records.map(({ reason }) => String(reason)))
    const expected = ['the gateway itself', 'link-local, where cloud metadata services live', 'a private network']
    const missing = expected.filter((what) => ![...reasons].some((reason) => reason.includes(what)))
    expect(missing).toEqual([])
  })

  it("the operators' socket and the state directory do not exist", async () => {
    const { stdout } = await agent.sh(
      `find ${lab.stateDir} 2>&1; test -S ${lab.stateDir}/admin.sock || echo none; find ${lab.dir} -name '*.sock' -o -name '*.db'`,
    )
    expect(stdout).toBe(`${lab.stateDir}\nnone\n`)
  })

  it('clawpatrol itself cannot approve, list or read records from there', async () => {
    const words = [process.execPath, fileURLToPath(new URL('../../scripts/clawpatrol.mjs', import.meta.url))]
    const attempts = [['device', 'list'], ['logs'], ['secret', 'list'], ['status']].map((command) =>
      agent.run(['env', `CLAWPATROL_STATE=${lab.stateDir}`, `CLAWPATROL_DIR=${lab.dir}/client`, ...words, ...command]),
    )
    expect((await Promise.all(attempts)).map(({ code }) => code)).toEqual([1, 1, 1, 1])
  })
})

function policy(peekedPort: number): string {
  return `
defaults {
  unknown_host = "passthrough"
}
endpoint "https" "api" {
  hosts = ["api.example.test:${peekedPort}"]
}
credential "passthrough" "none" {
  endpoint = https.api
}
profile "default" {
  credentials = [passthrough.none]
}
`
}
