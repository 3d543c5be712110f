import { spawnSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import { processesIn, stateOf } from './namespaces.fixture.ts'
import { runnerWords, startProcess } from './runner.fixture.ts'

const runner = (...words: string[]) => startProcess(runnerWords(words), { detached: true })
const names = ['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'USR2', 'WINCH', 'CONT'] as const

/** Prints each of these signals with how often it came, and every line of stdin. */
const counting = (...signals: readonly string[]): string[] => {
  const lines = [
    'import os, signal, sys',
    'seen = []',
    'def count(n, _):',
    '  seen.append(n)',
    '  os.write(1, f"{signal.Signals(n).name} {seen.count(n)}\\n".encode())',
    ...signals.map((name) => `signal.signal(signal.SIG${name}, count)`),
    'os.write(1, b"ready\\n")',
    'for line in sys.stdin: os.write(1, line.encode())',
  ]
  return ['python3', '-c', lines.join('\n')]
}

describe('a signal sent to clawpatrol', () => {
  it('reaches the command once, whichever it is', async () => {
    const run = runner(...counting(...names))
    await run.printed(/ready/)
    for (const name of names) {
      run.child.kill(`SIG${name}`)
      await run.printed(new RegExp(`SIG${name} 1`))
    }
    run.child.stdin?.end()
    const lines = ['ready', ...names.map((name) => `SIG${name} 1`), '']
    expect(await run.ended()).toMatchObject({ code: 0, output: lines.join('\n') })
  })

  it('suspends and continues the command together with clawpatrol', async () => {
    const run = runner(...counting('TSTP', 'CONT'))
    await run.printed(/ready/)
    run.child.kill('SIGTSTP')
    await run.printed(/SIGTSTP 1/)
    await vi.waitFor(() => expect(stateOf(run.child.pid ?? 0)).toBe('T'), { interval: 10 })
    run.child.kill('SIGCONT')
    await run.printed(/SIGCONT 1/)
    run.child.stdin?.end()
    expect((await run.ended()).code).toBe(0)
  })

  it('ends it with 128 + the signal when the command dies of it', async () => {
    const run = runner('sh', '-c', 'echo ready; exec sleep 300')
    await run.printed(/ready/)
    run.child.kill('SIGTERM')
    expect((await run.ended()).code).toBe(143)
  })

  it('reaches the command once when the whole process group gets it', async () => {
    const run = runner(...counting('TERM'))
    await run.printed(/ready/)
    process.kill(-(run.child.pid ?? 0), 'SIGTERM')
    await run.printed(/SIGTERM 1/)
    run.child.stdin?.end('last\n')
    expect((await run.ended()).output).toBe('ready\nSIGTERM 1\nlast\n')
  })
})

describe('on a terminal', () => {
  const onTerminal = (words: readonly string[]) => {
    const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
    return startProcess(['script', '-qfec', line, '/dev/null'])
  }

  it('the command has it, with its size and all three descriptors', async () => {
    const run = onTerminal(
      runnerWords(['bash', '-c', 'test -t 0 && test -t 1 && test -t 2 && tty && stty size < /dev/tty']),
    )
    expect((await run.ended()).output).toMatch(/^\/dev\/pts\/\d+\r\n\d+ \d+\r\n/)
  })

  it('Ctrl-C reaches the command once', async () => {
    const run = onTerminal(runnerWords(counting('INT')))
    await run.printed(/ready/)
    run.child.stdin?.write('\x03')
    await run.printed(/SIGINT 1/)
    run.child.stdin?.write('next\n\x04')
    const { output } = await run.ended()
    expect(output).toContain('next')
    expect(output).not.toContain('SIGINT 2')
  })

  it('a shell inside has job control and gives the terminal back', async () => {
    const words = runnerWords(['bash', '--norc', '-ic', 'sleep 0 & fg; tty']).map(
      (word) => `'${word.replaceAll("'", "'\\''")}'`,
    )
    const run = startProcess([
      'script',
      '-qfec',
      `${words.join(' ')}; read -r x < /dev/tty; echo "after $x"`,
      '/dev/null',
    ])
    await run.printed(/\/dev\/pts/)
    run.child.stdin?.write('typed\n')
    await run.printed(/after typed/)
    expect((await run.ended()).output).not.toContain('no job control')
  })
})

describe('kill -9', () => {
  it('of clawpatrol leaves no process and no namespace', async () => {
    const run = runner(
      'sh',
      '-c',
      'setsid sleep 300 & (sleep 300 &); readlink /proc/self/ns/net; echo ready; sleep 300',
    )
    const [, net = ''] = await run.printed(/(net:\[\d+\])\nready/)
    expect(processesIn('net', net).length).toBeGreaterThan(3)
    run.child.kill('SIGKILL')
    await vi.waitFor(() => expect(processesIn('net', net)).toEqual([]), { timeout: 5_000, interval: 20 })
    const mounts = spawnSync('grep', ['-c', 'clawpatrol', '/proc/self/mounts'])
    expect(String(mounts.stdout)).toBe('0\n')
  })
})
