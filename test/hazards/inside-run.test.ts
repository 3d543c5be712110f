import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../support/agent.ts'
import { type Lab, startLab } from '../support/lab.ts'
import { type NameServer, startNameServer } from '../support/name-server.ts'
import { openTrap, type Trap } from '../support/trap.ts'

const client = fileURLToPath(new URL('clients/reach.py', import.meta.url))
const host = 'api.example.test'

describe('P10: what runs under clawpatrol run', () => {
  let names: NameServer
  let trap: Trap
  let lab: Lab
  let agent: Agent
  let clientDir = ''

  beforeAll(async () => {
    trap = await openTrap()
    names = await startNameServer({})
    lab = await startLab({
      names: [host],
      gatewayLines: [`resolver = "127.0.0.1:${names.port}"`],
      policy: () => `
defaults {
  unknown_host = "deny"
}
endpoint "https" "api" {
  hosts    = ["${host}"]
  upstream = "127.0.0.1:${trap.port}"
}
credential "passthrough" "none" {
  endpoint = https.api
}
profile "default" {
  credentials = [passthrough.none]
}
`,
    })
    clientDir = lab.env.CLAWPATROL_DIR ?? ''
    agent = await startAgent(lab)
  })

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
    await trap?.[Symbol.asyncDispose]()
    await names?.[Symbol.asyncDispose]()
  })

  const out = async (line: string) => (await agent.sh(line)).stdout

  it("sees of the join the gateway's CA and nothing else, by whatever path", async () => {
    expect((await out(`cd ${clientDir} && ls -A`)).trim().split('\n')).toEqual(['ca-bundle.crt', 'ca.crt'])
    const secrets = ['api-token', 'wg.conf', 'config.json'].map((name) =>
      readFileSync(`${clientDir}/${name}`, 'utf8').trim(),
    )
    const paths = `/proc/*/root${clientDir}/* /proc/*/cwd/client/* ${lab.dir}/client/* ${lab.dir}/../*/client/api-token`
    const seen = await out(`cat ${paths} 2>/dev/null; true`)
    expect(secrets.filter((secret) => seen.includes(secret))).toEqual([])
  })

  it('sees no process but its own, and no environment of what started it', async () => {
    const seen = await out(
      "tr '\\0' '\\n' </proc/1/environ; cat /proc/*/environ | tr '\\0' '\\n' | grep ^CLAWPATROL; true",
    )
    expect(seen).toBe('')
    const commands = await out("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    expect(commands).not.toMatch(/clawpatrol\.mjs|vitest/)
  })

  it('holds no capability and cannot gain any', async () => {
    const status = await out("grep -E '^(Cap|NoNewPrivs)' /proc/self/status | tr -d '\\t'")
    expect(status.trim().split('\n')).toEqual([
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `${name}:0000000000000000`),
      'NoNewPrivs:1',
    ])
    const tries = ['ip link add x type dummy', 'mount -t tmpfs x /mnt', 'ip route del default', 'nsenter -t 1 -n true']
    for (const attempt of tries) expect((await agent.sh(attempt)).code).not.toBe(0)
  })

  it('asks the gateway for names, and cannot change that', async () => {
    expect(await out('cat /etc/resolv.conf')).toBe('nameserver 10.55.0.1\n')
    expect((await agent.sh('echo nameserver 8.8.8.8 > /etc/resolv.conf')).code).not.toBe(0)
    expect((await agent.sh('mv /etc/resolv.conf /etc/x || umount /etc/resolv.conf')).code).not.toBe(0)
  })

  it('is answered by the gateway whichever server it asks, over UDP and TCP, IPv4 and IPv6', async () => {
    const answers = await agent.run(['python3', '-c', dnsClient, host, '8.8.8.8', '9.9.9.9', '2001:4860:4860::8888'])
    expect(answers.stdout).toMatch(/^((udp|tcp) \S+ 0 10\.78\.\d+\.\d+\n){6}$/)
    const denied = await agent.run(['python3', '-c', dnsClient, 'leak.example.org', '8.8.8.8', '2001:4860:4860::8888'])
    expect(denied.stdout).toMatch(/^((udp|tcp) \S+ 3 none\n){4}$/)
    expect(names.asked).toEqual([])
  })

  it('names what nobody declared NXDOMAIN, on record', async () => {
    expect(await agent.sh('getent hosts nobody.example.org')).toMatchObject({ code: 2, stdout: '' })
    const record = (await lab.records('--denied')).find(({ title }) => String(title).includes('nobody.example.org'))
    expect(record).toMatchObject({ decision: 'deny', reason: 'no endpoint claims the name' })
  })

  it('gets nothing through by QUIC, other UDP, or any port no endpoint claims', async () => {
    const targets = ['198.51.100.7', host, '2001:db8::7'].flatMap((to) => [
      `udp:${to}:443`,
      `udp:${to}:4433`,
      `tcp:${to}:80`,
      `tls:${to}:443:elsewhere.example.org`,
    ])
    const { stdout } = await agent.run(['python3', client, ...targets])
    expect(stdout.trim().split('\n')).toHaveLength(targets.length)
    expect(stdout).not.toMatch(/answered|handshake/)
    const denied = (await lab.records('--denied')).map(({ title, reason }) => `${title} ${reason}`)
    expect(denied.some((text) => text.includes('QUIC is not inspected'))).toBe(true)
  })

  it('has no way out but the tunnel, for IPv6 as well', async () => {
    const devices = (await out('cut -d: -f1 /proc/net/dev | tail -n +3')).split(/\s+/)
    expect(devices.filter((name) => !['', 'lo', 'clawpatrol0'].includes(name))).toEqual([])
    expect(await out('cat /proc/net/ipv6_route')).toMatch(/^0{32} 00 .* clawpatrol0$/m)
    const address6 = await out(`getent ahostsv6 ${host}`)
    expect(address6).toMatch(/^fd78:/)
  })

  it('cannot make a socket of another family, nor reach one of the host', async () => {
    const script = [
      'import socket',
      'for family, kind in ((17, 3), (40, 1), (2, 3)):',
      '  try: socket.socket(family, kind); print("made", family)',
      '  except OSError: print("refused")',
    ]
    expect((await agent.run(['python3', '-c', script.join('\n')])).stdout).toBe('refused\nrefused\nrefused\n')
  })
})

/** Asks each server for the A record of a name, over UDP and TCP: prints how, whom, the code and the address. */
const dnsClient = `
import socket, struct, sys
name, servers = sys.argv[1], sys.argv[2:]
query = struct.pack(">6H", 7, 256, 1, 0, 0, 0)
query += b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\\0" + struct.pack(">2H", 1, 1)
def show(kind, server, answer):
    found = answer[-4:] if struct.unpack(">H", answer[6:8])[0] > 0 and len(answer) > len(query) else None
    at = answer.find(struct.pack(">2H", 1, 1), len(query))
    address = socket.inet_ntoa(answer[at + 10:at + 14]) if found and at > 0 else "none"
    print(kind, server, answer[3] & 15, address)
for server in servers:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5)
        udp.sendto(query, (server, 53))
        show("udp", server, udp.recv(4096))
    with socket.create_connection((server, 53), timeout=5) as tcp:
        tcp.sendall(struct.pack(">H", len(query)) + query)
        size = struct.unpack(">H", tcp.recv(2))[0]
        show("tcp", server, tcp.recv(size))
`
