import { describe, expect, it } from 'vitest'
import { processesIn } from './namespaces.fixture.ts'
import { nobodyWords, runnerWords, startProcess } from './runner.fixture.ts'

// started by an ordinary user these tests are that user's; root becomes uid 65534
const isRoot = process.getuid?.() === 0
const asUser = isRoot ? nobodyWords : runnerWords
const uid = isRoot ? 65534 : process.getuid?.()

describe('an ordinary user', () => {
  it.each([
    [['sh', '-c', 'exit 3'], 3],
    [['sh', '-c', 'kill -TERM $$'], 143],
    [['no-such-command'], 127],
    [['/etc/passwd'], 126],
  ])('gets the exit status of %j', async (words, code) => {
    expect((await startProcess(asUser(words)).ended()).code).toBe(code)
  })

  it('keeps the uid, alone in the map, without capabilities', async () => {
    const text = 'id -u; tr -s " " < /proc/self/uid_map; grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status'
    const { output, code } = await startProcess(asUser(['sh', '-c', text])).ended()
    expect(
      output
        .replaceAll('\t', '')
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([
      String(uid),
      `${uid} ${uid} 1`,
      'CapEff:0000000000000000',
      'CapBnd:0000000000000000',
      'NoNewPrivs:1',
      '',
    ])
    expect(code).toBe(0)
  })

  it('is in a network, a DNS and a process list of its own', async () => {
    const text = 'cat /etc/resolv.conf; cut -d: -f1 /proc/net/dev | tail -n +3; cat /proc/1/comm'
    const { output } = await startProcess(asUser(['sh', '-c', text])).ended()
    expect(output.split('\n').map((line) => line.trim())).toEqual([
      'nameserver 10.99.0.1',
      'nameserver fd63:6c61:7770::1',
      'lo',
      'clawpatrol0',
      'netns',
      '',
    ])
  })

  it('cannot undo the lock-down from a further namespace', async () => {
    const text =
      'unshare -Urmn sh -c "umount /etc/resolv.conf || mount -o remount,rw,bind /etc/resolv.conf" && echo undone; true'
    const { output } = await startProcess(asUser(['sh', '-c', text])).ended()
    expect(output).not.toContain('undone')
  })
})

describe('where a fresh /proc is refused, as in most containers', () => {
  const covered = (words: readonly string[]): string[] => {
    const cover = 'mount -t tmpfs -o ro tmpfs /proc/fs && exec "$@"'
    return ['unshare', '-m', 'sh', '-c', cover, 'sh', ...asUser(words)]
  }

  it('the command runs with a warning, and ends with its background children', async () => {
    const text = 'readlink /proc/self/ns/net; (setsid sleep 300 &); sleep 300 & exit 3'
    const { output, code } = await startProcess(covered(['sh', '-c', text])).ended()
    expect(output).toContain('this container forbids a fresh /proc')
    expect(processesIn('net', /net:\[\d+\]/.exec(output)?.[0] ?? '')).toEqual([])
    expect(code).toBe(3)
  })

  it('the command cannot look into clawpatrol or its helper', async () => {
    const text =
      'for pid in $PPID $(ps -o ppid= -p $PPID); do cat /proc/$pid/environ; ls /proc/$pid/root; done 2>&1; true'
    const { output } = await startProcess(covered(['sh', '-c', text])).ended()
    expect(output.match(/Permission denied/g)).toHaveLength(4)
  })
})

describe('where namespaces are refused', () => {
  it('names the limit and the command that raises it, and runs nothing', async () => {
    const words = runnerWords(['echo', 'ran'])
    const setup = 'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --inh-caps=-all --bounding-set=-all "$@"'
    const { output, code } = await startProcess(['unshare', '-Ur', 'sh', '-c', setup, 'sh', ...words]).ended()
    expect(output).toBe(
      'Cannot make a user namespace, user.max_user_namespaces is reached: no space left on device (ENOSPC)\n' +
        'hint: sudo sysctl -w user.max_user_namespaces=15000\n',
    )
    expect(code).toBe(1)
  })

  it('names a device that this user may not open', async () => {
    const hide = 'mount -t tmpfs tmpfs /dev/net && exec "$@"'
    const { output, code } = await startProcess([
      'unshare',
      '-Urm',
      'sh',
      '-c',
      hide,
      'sh',
      ...runnerWords(['true']),
    ]).ended()
    expect(output).toBe('Cannot open "/dev/net/tun": no such file or directory (ENOENT)\nhint: sudo modprobe tun\n')
    expect(code).toBe(1)
  })
})
