import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ClawError } from '../../workers/contract/errors.ts'
import type { Fd } from '../../workers/contract/ids.ts'
import type { TunnelSession } from './capture.ts'
import { runCaptured, unanswered } from './captured.fixture.ts'
import { processesIn } from './namespaces.fixture.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'capture-test-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

const sh = (text: string): [string, string[]] => ['sh', ['-c', text]]

describe('the exit status of a captured command', () => {
  it.each([
    ['success', 'exit 0', 0],
    ['its own', 'exit 3', 3],
    ['the largest', 'exit 255', 255],
    ['death by SIGTERM', 'kill -TERM $$', 143],
    ['death by SIGKILL', 'kill -KILL $$', 137],
  ])('is kept: %s', async (_name, text, code) => {
    expect((await runCaptured(...sh(text))).code).toBe(code)
  })

  it('is 127 for a command that does not exist', async () => {
    expect(await runCaptured('no-such-command', [])).toMatchObject({
      code: 127,
      stderr: 'clawpatrol: cannot run "no-such-command": No such file or directory\n',
    })
  })

  it('is 126 for a file that is not executable', async () => {
    expect(await runCaptured('/etc/passwd', [])).toMatchObject({
      code: 126,
      stderr: 'clawpatrol: cannot run "/etc/passwd": Permission denied\n',
    })
  })
})

describe('a captured command', () => {
  it('gets stdin, arguments and directory exactly as given', async () => {
    const args = ['-c', 'cat; printf "%s|" "$@"; pwd', 'sh', 'a b', '', 'é']
    const { stdout } = await runCaptured('sh', args, { input: 'stdin\n', cwd: '/usr' })
    expect(stdout).toBe('stdin\na b||é|/usr\n')
  })

  it('gets its environment exactly as given', async () => {
    const env = { ONE: '1\n2', EMPTY: '', ABSENT: undefined }
    expect((await runCaptured('/usr/bin/env', [], { env })).stdout).toBe('ONE=1\n2\nEMPTY=\n')
  })

  it('has every signal as its default and none blocked', async () => {
    const { stdout } = await runCaptured('grep', ['-E', '^Sig(Blk|Ign)', '/proc/self/status'])
    expect(stdout).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n')
  })

  it('has no capability and cannot gain one', async () => {
    const { stdout } = await runCaptured('grep', ['-E', '^(Cap|NoNewPrivs|Seccomp:)', '/proc/self/status'])
    expect(stdout.replaceAll('\t', '').split('\n')).toEqual([
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}:0000000000000000`),
      'NoNewPrivs:1',
      'Seccomp:2',
      '',
    ])
  })

  it('holds no descriptor but the three', async () => {
    const { stdout } = await runCaptured(
      ...sh('for n in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$n && echo $n; done'),
    )
    expect(stdout).toBe('0\n1\n2\n')
  })

  it('sees only its own processes', async () => {
    const { stdout } = await runCaptured(...sh('echo /proc/[0-9]*; cat /proc/1/comm; ls /proc/1/root 2>&1; true'))
    const [processes = '', init, root] = stdout.split('\n')
    expect(processes.split(' ').length).toBeLessThan(4)
    expect(init).toBe('netns')
    expect(root).toContain('Permission denied')
  })

  it('is alone in its network, whose only way out is the tunnel', async () => {
    const { stdout } = await runCaptured(
      ...sh('cat /proc/net/dev /proc/net/route /proc/net/ipv6_route; readlink /proc/self/ns/net'),
    )
    const devices = [...stdout.matchAll(/^\s*([\w.]+):/gm)].map((match) => match[1])
    expect(devices).toEqual(['lo', 'clawpatrol0', 'net'])
    expect(stdout).toMatch(/^clawpatrol0\t00000000\t00000000/m)
    expect(stdout).toMatch(/^0{32} 00 0{32} 00 0{32} .* clawpatrol0$/m)
    expect(stdout).not.toContain(readlinkSync('/proc/self/ns/net'))
  })

  it('resolves names by the tunnel only and cannot change that', async () => {
    const { stdout } = await runCaptured(
      ...sh(
        'cat /etc/resolv.conf; grep hosts: /etc/nsswitch.conf; chmod 644 /etc/resolv.conf 2>&1; umount /etc/resolv.conf 2>&1; true',
      ),
    )
    expect(stdout).toContain('nameserver 10.99.0.1\nnameserver fd63:6c61:7770::1\n')
    expect(stdout).toMatch(/hosts: +(files )?dns\n/)
    expect(stdout).toContain('Read-only file system')
    expect(stdout).toMatch(/umount: .*(must be superuser|not permitted|denied)/)
  })

  it('keeps the DNS files of the host when asked to', async () => {
    const { stdout } = await runCaptured('cat', ['/etc/resolv.conf'], { keepResolv: true })
    expect(stdout).not.toContain('10.99.0.1')
  })

  it('cannot use socket families outside of its network namespace', async () => {
    const attempt = 'try: socket.socket(family, 1); print(family)\n except OSError as e: print(e.errno)'
    const text = `import socket\nfor family in (1, 2, 10, 40, 17):\n ${attempt}`
    expect((await runCaptured('python3', ['-c', text])).stdout).toBe('1\n2\n10\n97\n97\n')
  })

  it('cannot type into the terminal it shares with the shell outside', async () => {
    const text =
      'import fcntl\nfor request in (0x5412, 0x541c):\n try: fcntl.ioctl(0, request, b"x")\n except OSError as e: print(e.errno)'
    expect((await runCaptured('python3', ['-c', text])).stdout).toBe('1\n1\n')
  })

  it('cannot change kernel settings nor read disks, even as root', async () => {
    const paths = [
      '/proc/sys/kernel/core_pattern',
      '/proc/sysrq-trigger',
      '/sys/kernel/uevent_helper',
      '/sys/fs/cgroup/x',
    ]
    const settings = paths.map((path) => `(echo x > ${path}) 2>/dev/null && echo ${path}`).join('; ')
    const disks = 'find /dev -type b 2>/dev/null | while read -r disk; do head -c1 "$disk" 2>/dev/null; done'
    expect((await runCaptured(...sh(`${settings}; ${disks}`))).stdout).toBe('')
  })

  it('does not see hidden directories but for the files that are kept', async () => {
    const hidden = join(dir, 'join')
    mkdirSync(join(hidden, 'deep'), { recursive: true })
    for (const name of ['key', 'ca.crt', 'deep/key']) writeFileSync(join(hidden, name), `${name} contents\n`)
    symlinkSync(hidden, join(dir, 'link'))
    const look = `cd ${dir}; find join link/ | sort; cat join/ca.crt; touch join/new 2>/dev/null || echo refused`
    const { stdout } = await runCaptured(...sh(look), { hide: [{ dir: hidden, keep: ['ca.crt', 'absent'] }] })
    expect(stdout).toBe('join\njoin/ca.crt\nlink/\nlink/ca.crt\nca.crt contents\nrefused\n')
    expect(existsSync(join(hidden, 'key'))).toBe(true)
  })

  it('cannot connect to masked sockets', async () => {
    const path = join(dir, 'docker.sock')
    const server = createServer().listen(path)
    const text = `import socket\ns = socket.socket(socket.AF_UNIX)\ntry: s.connect("${path}"); print("in")\nexcept OSError as e: print(e.errno)`
    const open = await runCaptured('python3', ['-c', text])
    const masked = await runCaptured('python3', ['-c', text], { mask: [path, join(dir, 'absent')] })
    server.close()
    expect([open.stdout, masked.stdout]).toEqual(['in\n', '13\n'])
  })

  it('ends with its background children', async () => {
    const { code, stdout } = await runCaptured(
      ...sh('readlink /proc/self/ns/pid; setsid sleep 300 & (sleep 300 &); exit 4'),
    )
    expect(code).toBe(4)
    expect(processesIn('pid', stdout.trim())).toEqual([])
  })

  it('is waited for with its background children when asked to', async () => {
    const text = 'exec 3<&0; (cat <&3; echo late) & exit 5'
    expect(await runCaptured(...sh(text), { input: 'x\n', waitAll: true })).toMatchObject({
      code: 5,
      stdout: 'x\nlate\n',
    })
  })

  it('is run by root as another user when asked to', async () => {
    const text = 'id -u; id -g; id -G; grep -E "^Cap(Eff|Prm)" /proc/self/status | tr -d "\\t"'
    const result = runCaptured(...sh(text), { user: { uid: 65534, gid: 65533 } })
    if (process.getuid?.() !== 0) return expect(result).rejects.toThrow('Cannot become the chosen user')
    const lines = ['65534', '65533', '65533', 'CapPrm:0000000000000000', 'CapEff:0000000000000000', '']
    return expect(result).resolves.toMatchObject({ code: 0, stdout: lines.join('\n') })
  })

  it('runs beside others', async () => {
    const runs = [1, 2, 3, 4, 5].map((n) => runCaptured(...sh(`readlink /proc/self/ns/net; exit ${n}`)))
    const results = await Promise.all(runs)
    expect(results.map((result) => result.code)).toEqual([1, 2, 3, 4, 5])
    expect(new Set(results.map((result) => result.stdout)).size).toBe(5)
  })
})

describe('a capture', () => {
  it('gives back every descriptor and listener', async () => {
    await runCaptured('true', [])
    const before = { fds: readdirSync('/proc/self/fd').length, listeners: process.listenerCount('SIGTERM') }
    for (let n = 0; n < 5; n++) await runCaptured('true', [])
    const left = (): unknown => ({
      fds: readdirSync('/proc/self/fd').length,
      listeners: process.listenerCount('SIGTERM'),
    })
    await vi.waitFor(() => expect(left()).toEqual(before))
  })

  it('stopped while the transport is attached ends at once and closes what comes late', async () => {
    const file = join(dir, 'stopped')
    let closed: () => void = () => undefined
    const late = new Promise<void>((resolve) => {
      closed = resolve
    })
    let attached: (session: TunnelSession) => void = () => undefined
    const attach = (tunFd: Fd): Promise<TunnelSession> => {
      closeSync(tunFd)
      process.kill(process.pid, 'SIGHUP')
      return new Promise((resolve) => {
        attached = resolve
      })
    }
    expect((await runCaptured('touch', [file], { attach })).code).toBe(129)
    attached({ close: async () => closed() })
    await late
    expect(existsSync(file)).toBe(false)
  })

  it('keeps the status of the command when the tunnel does not close', async () => {
    const attach = async (tunFd: Fd): Promise<TunnelSession> => ({
      close: async () => {
        closeSync(tunFd)
        throw new Error('socket lost')
      },
    })
    const { code, warnings } = await runCaptured(...sh('exit 5'), { attach })
    expect([code, warnings]).toEqual([5, ['the tunnel did not close cleanly: socket lost']])
  })
})

describe('a capture that fails', () => {
  it('does not run the command when the transport cannot be attached', async () => {
    const file = join(dir, 'ran')
    const attach = async (tunFd: Parameters<typeof unanswered.attach>[0]): Promise<never> => {
      await (await unanswered.attach(tunFd)).close()
      throw new ClawError('CP_CAPTURE', 'Cannot reach the gateway')
    }
    await expect(runCaptured('touch', [file], { attach })).rejects.toThrow('Cannot reach the gateway')
    expect(existsSync(file)).toBe(false)
  })

  it('says which directory cannot be entered', async () => {
    await expect(runCaptured('true', [], { cwd: '/no/such' })).rejects.toMatchObject({
      code: 'CP_CAPTURE',
      message: 'Cannot enter the working directory "/no/such": no such file or directory (ENOENT)',
      hint: 'cd to a directory that the command may enter and see',
    })
  })

  it('does not run in a directory that is hidden', async () => {
    const cwd = join(dir, 'hidden/cwd')
    mkdirSync(cwd, { recursive: true })
    const hide = [{ dir: join(dir, 'hidden'), keep: [] }]
    await expect(runCaptured('true', [], { cwd, hide })).rejects.toThrow('Cannot enter the working directory')
  })

  it.each([
    ['address', { ...unanswered.tunnel, address4: '10.0.0' }, 'Cannot set the tunnel address "10.0.0"'],
    ['name server', { ...unanswered.tunnel, dns: ['x'] }, 'name server "x" is no IP address'],
  ])('refuses a wrong %s', async (_name, tunnel, message) => {
    await expect(runCaptured('true', [], { tunnel })).rejects.toThrow(message)
  })

  it('refuses to keep a file outside of the hidden directory', async () => {
    const hide = [{ dir, keep: ['../etc/passwd'] }]
    await expect(runCaptured('true', [], { hide })).rejects.toThrow('Cannot keep the public file "../etc/passwd"')
  })
})
