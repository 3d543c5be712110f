import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dial, hostOf, join203, killedAt, machineInWorld, script, serve } from '../../../test/support/joined-machine.ts'
import type { Machine, Snapshot } from '../../../test/support/machine.ts'
import { mayRoute } from '../../../test/support/may-route.ts'
import { readJournal } from '../journal.ts'
import { prepareDir } from '../save-identity.ts'
import { routeWholeMachine, unrouteWholeMachine } from './mode.ts'

const noClaim = () => Promise.reject(new Error('there is no tailnet'))
const wgConf = '/etc/wireguard/clawpatrol.conf'

const subject = 'whole-machine routing with WireGuard'

describe.runIf(mayRoute(subject, 'wireguard'))(subject, { timeout: 60_000 }, () => {
  let root = ''
  let dir = ''
  let home = ''
  let machine: Machine
  let world: Machine
  let before: Snapshot

  beforeAll(async () => {
    ;({ machine, world } = await machineInWorld())
    before = await machine.snapshot()
  })
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
    await machine?.[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'clawpatrol-whole-'))
    dir = join(root, 'client')
    home = join(root, 'home')
    prepareDir(home)
    writeFileSync(join(home, '.bashrc'), 'alias l=ls', { mode: 0o644 })
    join203(dir)
  })
  afterEach(async () => {
    await unroute()
    rmSync(root, { recursive: true })
  })

  const route = () => routeWholeMachine(dir, { host: hostOf(machine), home, claim: noClaim })
  const unroute = () => unrouteWholeMachine(dir, hostOf(machine))
  const expectAsBefore = async () => {
    expect(await machine.snapshot()).toEqual(before)
    expect(readdirSync(dir)).not.toContain('install.json')
    expect(readdirSync(dir)).not.toContain('whole-machine')
    expect(readFileSync(join(home, '.bashrc'), 'utf8')).toBe('alias l=ls')
  }

  it('leads everything into the tunnel and brings back every byte', async () => {
    expect(await route()).toEqual({ kind: 'up', how: 'WireGuard, interface clawpatrol' })
    expect(await script(machine, 'cat /etc/resolv.conf')).toMatch(
      /^#.*\nnameserver 10\.55\.0\.1\nsearch corp\.example\n$/,
    )
    expect(await script(machine, `stat -c '%a %u %g' ${wgConf}`)).toBe('600 0 0\n')
    expect(statSync(join(dir, 'whole-machine')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(home, '.bashrc'), 'utf8')).toContain('\n# clawpatrol: agent env (clawpatrol env)\n')
    const undone = await unroute()
    expect(undone.filter(({ left }) => left !== null)).toEqual([])
    await expectAsBefore()
  })

  it('sends what the machine begins through the tunnel, and answers others where they came from', async () => {
    await using far = await serve(world, '198.51.100.7', 7000)
    await using far6 = await serve(world, '2001:db8:7::7', 7000)
    await using ssh = await serve(machine, '0.0.0.0', 22)
    await using other = await serve(machine, '::', 2222)
    expect(await dial(machine, '198.51.100.7', 7000)).toBe('203.0.113.2')
    await route()
    expect(await dial(machine, '198.51.100.7', 7000)).toBe('10.55.0.2')
    expect(await dial(machine, '2001:db8:7::7', 7000)).toBe('fd77::2')
    expect(await dial(world, '203.0.113.2', 22, '198.51.100.7')).toBe('198.51.100.7')
    expect(await dial(world, '203.0.113.2', 2222, '198.51.100.7')).toBe('::ffff:198.51.100.7')
    expect(await dial(world, '2001:db8::2', 2222, '2001:db8:7::7')).toBe('2001:db8:7::7')
    await unroute()
    expect(await dial(machine, '198.51.100.7', 7000)).toBe('203.0.113.2')
    for (const each of [far, far6, ssh, other]) expect(each.child.exitCode).toBeNull()
  })

  it('is the same the second time, after undoing the first', async () => {
    await route()
    await unroute()
    await route()
    expect(readJournal(dir).filter(({ kind }) => kind === 'interface')).toHaveLength(1)
    await unroute()
    await expectAsBefore()
  })

  it.each([
    ['looking', 'before'],
    ['reading', 'before'],
    ['writing', 'before'],
    ['writing', 'after'],
    ['wg-quick', 'before'],
    ['wg-quick', 'after'],
    ['wg', 'after'],
    ['reading 3', 'before'],
    ['writing 2', 'before'],
    ['writing 2', 'after'],
  ] as const)('killed at "%s", %s it: the next command brings everything back', async (step, when) => {
    const { host, killed } = killedAt(step, when, hostOf(machine))
    const routed = routeWholeMachine(dir, { host, home, claim: noClaim }).then(() => 'was not killed')
    expect(await Promise.race([routed, killed])).toBe('killed')
    expect(existsSync(join(dir, 'whole-machine'))).toBe(false)
    await unroute()
    await expectAsBefore()
  })

  it.each([
    'wg-quick',
    'writing',
    'reading',
    'rm',
  ])('killed at "%s" of undoing: the next time finishes it', async (step) => {
    await route()
    const { host, killed } = killedAt(step, 'after', hostOf(machine))
    const undone = unrouteWholeMachine(dir, host).then(() => 'was not killed')
    expect(await Promise.race([undone, killed])).toBe('killed')
    await unroute()
    await expectAsBefore()
  })

  it.each([
    ['the interface', 'ip link del dev clawpatrol'],
    ['the rules, as after a restart', 'wg-quick down clawpatrol'],
    ['some of the rules', 'ip rule del priority 8; ip -6 rule del priority 5'],
    ['the configuration', `rm ${wgConf}`],
  ])('does not mind that %s went away by itself', async (_what, gone) => {
    await route()
    await script(machine, gone)
    expect((await unroute()).filter(({ left }) => left !== null)).toEqual([])
    await expectAsBefore()
  })

  it('leaves a file alone that somebody changed since, and says where the former one is', async () => {
    await route()
    await script(machine, 'echo "nameserver 192.0.2.1" > /etc/resolv.conf')
    const undone = await unroute()
    const left = undone.flatMap((each) => (each.left === null ? [] : [each.left]))
    expect(left).toEqual([
      '/etc/resolv.conf was changed since: it is left as it is; what was there before joining is in /etc/resolv.conf.clawpatrol.bak',
    ])
    expect(await script(machine, 'cat /etc/resolv.conf')).toBe('nameserver 192.0.2.1\n')
    await script(machine, 'mv /etc/resolv.conf.clawpatrol.bak /etc/resolv.conf')
    await expectAsBefore()
  })

  it.each([
    ['a link', 'mv /etc/resolv.conf /etc/real; ln -s ../etc/real /etc/resolv.conf', 'mv -f /etc/real /etc/resolv.conf'],
    [
      'a link to nothing',
      'mv /etc/resolv.conf /etc/real; ln -s /nowhere /etc/resolv.conf',
      'mv -f /etc/real /etc/resolv.conf',
    ],
    ['not there', 'mv /etc/resolv.conf /root/real-resolv', 'mv -f /root/real-resolv /etc/resolv.conf'],
    [
      'mounted',
      'cp -p /etc/resolv.conf /run/resolv; mount --bind /run/resolv /etc/resolv.conf',
      'umount /etc/resolv.conf',
    ],
  ])('brings back a resolv.conf that is %s', async (_what, prepare, cleanUp) => {
    await script(machine, prepare)
    const prepared = await machine.snapshot()
    await route()
    expect(await script(machine, 'cat /etc/resolv.conf')).toContain('nameserver 10.55.0.1')
    await unroute()
    expect(await machine.snapshot()).toEqual(prepared)
    await script(machine, cleanUp)
    await expectAsBefore()
  })

  it("keeps a rule that was there before, and a configuration that was somebody's", async () => {
    const rule = 'rule add from 203.0.113.2 lookup main priority 5'
    await script(machine, `ip ${rule}; echo '# mine' > ${wgConf}; chmod 640 ${wgConf}`)
    const prepared = await machine.snapshot()
    await route()
    await unroute()
    expect(await machine.snapshot()).toEqual(prepared)
    await script(machine, `ip ${rule.replace('add', 'del')}; rm ${wgConf}`)
    await expectAsBefore()
  })

  it('refuses an interface of its name that no join made', async () => {
    await script(machine, 'ip link add clawpatrol type veth peer name other')
    await expect(route()).rejects.toThrow('has an interface "clawpatrol" that no join made')
    await script(machine, 'ip link del clawpatrol')
    await expectAsBefore()
  })

  it('leaves the machine as it was when wg-quick fails', async () => {
    const sound = hostOf(machine)
    const asRoot = (words: readonly string[], input?: Uint8Array) =>
      words[0] === 'wg-quick' && words[1] === 'up' ? Promise.reject(new Error('no tunnel')) : sound.asRoot(words, input)
    await expect(routeWholeMachine(dir, { host: { ...sound, asRoot }, home, claim: noClaim })).rejects.toThrow(
      'no tunnel',
    )
    await expectAsBefore()
  })
})
