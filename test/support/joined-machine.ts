import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IdentityConfig } from '../../onboard/client/identity.ts'
import { prepareDir, saveIdentity } from '../../onboard/client/save-identity.ts'
import { askAsRoot, askAsUser } from '../../onboard/client/system-command.ts'
import type { Host } from '../../onboard/client/whole-machine/host.ts'
import { newKeyPair } from '../../onboard/client/wireguard-key.ts'
import { makeAuthority } from './authority.ts'
import { connect, type Machine, startMachine } from './machine.ts'
import { type Running, start } from './program.ts'

const device = newKeyPair()
const server = newKeyPair()

/** The device as its join saved it, for a gateway at 203.0.113.1. */
export const wireguardConf = `[Interface]
PrivateKey = ${device.privateKey}
Address = 10.55.0.2/32, fd77::2/128

[Peer]
PublicKey = ${server.publicKey}
Endpoint = 203.0.113.1:51820
AllowedIPs = 0.0.0.0/0, ::/0
PersistentKeepalive = 25
`

/** Writes what a join saves. */
export function join203(dir: string, more: Partial<IdentityConfig> = {}): void {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-ca-'))
  const { ca } = makeAuthority(folder, ['api.example.test'])
  rmSync(folder, { recursive: true })
  prepareDir(dir)
  const config: IdentityConfig = {
    schema_version: 1,
    gateway: 'http://203.0.113.1:8080',
    tls: 'none',
    mode: 'wireguard',
    device_id: 'd1',
    device_name: 'laptop',
    ca_fingerprint: 'AA',
    joined_at: '2026-01-01T00:00:00Z',
    ...more,
  }
  const isWireguard = config.mode === 'wireguard'
  saveIdentity(dir, {
    config,
    token: 'cpt_x',
    wireguardConf: isWireguard ? wireguardConf : null,
    authKey: isWireguard ? null : 'tskey-auth-secret',
    ca,
  })
}

/** The commands of a machine of its own. */
export function hostOf(machine: Machine): Host {
  return {
    asRoot: (words, input) => askAsRoot(machine.inside(words), input),
    asUser: (words, input) => askAsUser(machine.inside(words), input),
  }
}

/** Runs a script on a machine. */
export async function script(machine: Machine, text: string): Promise<string> {
  const { code, stdout, stderr } = await machine.run(['sh', '-ec', text])
  if (code !== 0) throw new Error(`${text}: ${stderr}`)
  return stdout
}

/** A machine and, at the other end of its cable, the internet with the WireGuard server of the join in it. */
export async function machineInWorld(): Promise<{ readonly machine: Machine; readonly world: Machine }> {
  const machine = await startMachine()
  const world = await startMachine()
  await connect(
    { machine, name: 'eth0', addresses: ['203.0.113.2/24', '2001:db8::2/64', 'fe80::2/64'] },
    { machine: world, name: 'eth0', addresses: ['203.0.113.1/24', '2001:db8::1/64', 'fe80::1/64'] },
  )
  // strict: an answer must come in where the way back to its sender leads out
  await script(
    machine,
    `ip route add default via 203.0.113.1
ip -6 route add default via 2001:db8::1
echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter
echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter
printf 'nameserver 203.0.113.53\\nsearch corp.example\\n' > /etc/resolv.conf
chown 7:8 /etc/resolv.conf
chmod 640 /etc/resolv.conf`,
  )
  await script(
    world,
    `ip addr add 198.51.100.7/32 dev lo
ip addr add 2001:db8:7::7/128 dev lo nodad
wireguard-go wg0
ip addr add 10.55.0.1/24 dev wg0
ip addr add fd77::1/64 dev wg0 nodad
ip link set wg0 up
umask 077
f=$(mktemp)
echo '${server.privateKey}' > "$f"
wg set wg0 private-key "$f" listen-port 51820 peer '${device.publicKey}' allowed-ips 10.55.0.2/32,fd77::2/128
rm "$f"`,
  )
  return { machine, world }
}

/** A host on which a program is gone at once, before or after its first command of a kind; nothing of it runs on. */
export interface DeadlyHost {
  readonly host: Host
  readonly killed: Promise<'killed'>
}

/** @param step the command and, where it is not the first of its kind, which one: `writing 2` */
export function killedAt(step: string, when: 'before' | 'after', sound: Host): DeadlyHost {
  const seen = new Map<string, number>()
  const never = new Promise<string>(() => undefined)
  let die = (_how: 'killed') => undefined as unknown
  const killed = new Promise<'killed'>((resolve) => {
    die = resolve
  })
  const asRoot = async (words: readonly string[], input?: Uint8Array) => {
    // scripts are named by what they do
    const name = (words[0] === 'sh' ? words[3] : words[0]) ?? ''
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    if ((count === 1 ? name : `${name} ${count}`) !== step) return await sound.asRoot(words, input)
    if (when === 'after') await sound.asRoot(words, input)
    die('killed')
    return await never
  }
  return { host: { asUser: sound.asUser, asRoot }, killed }
}

/** A server that tells each caller its address. */
export async function serve(machine: Machine, address: string, port: number): Promise<Running> {
  const code = `require('net').createServer((s) => s.end(s.remoteAddress)).listen(${port}, '${address}', () => console.log('listens'))`
  const [command = '', ...args] = machine.inside([process.execPath, '-e', code])
  const running = start(command, args, process.env)
  await running.saw(/listens/)
  return running
}

/** What a server says to a machine that connects, from an address of its own when one is given. */
export async function dial(machine: Machine, address: string, port: number, from?: string): Promise<string> {
  const options = JSON.stringify({ host: address, port, ...(from === undefined ? {} : { localAddress: from }) })
  const code = `require('net').connect(${options}).setTimeout(5000, () => process.exit(1)).pipe(process.stdout)`
  const { stdout } = await machine.run([process.execPath, '-e', code])
  return stdout
}
