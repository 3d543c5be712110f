import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CapturedRun, capture } from './capture.ts'

/** How a command ended and what it printed. */
export interface Captured {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly warnings: readonly string[]
}

/** What a test may set; `input` is the command's stdin. */
export type Overrides = Partial<Omit<CapturedRun, 'stdio'>> & { readonly input?: string }

/** Addresses for runs whose packets nobody answers. */
export const unanswered: Pick<CapturedRun, 'tunnel' | 'attach'> = {
  tunnel: { address4: '10.99.0.2', address6: 'fd63:6c61:7770::2', mtu: 1420, dns: ['10.99.0.1', 'fd63:6c61:7770::1'] },
  attach: async (tunFd) => ({ close: async () => closeSync(tunFd) }),
}

/** Runs a command captured, its output kept. */
export async function runCaptured(
  command: string,
  args: readonly string[],
  overrides: Overrides = {},
): Promise<Captured> {
  const { input, ...settings } = overrides
  const dir = mkdtempSync(join(tmpdir(), 'capture-'))
  const [inFile, outFile, errFile] = [join(dir, 'in'), join(dir, 'out'), join(dir, 'err')]
  writeFileSync(inFile, input ?? '')
  const stdio = [openSync(inFile, 'r'), openSync(outFile, 'w'), openSync(errFile, 'w')] as const
  const warnings: string[] = []
  try {
    const code = await capture({
      ...unanswered,
      command,
      args,
      env: { PATH: process.env.PATH },
      cwd: '/',
      hide: [],
      mask: [],
      warn: (text) => warnings.push(text),
      ...settings,
      stdio,
    })
    return { code, stdout: readFileSync(outFile, 'utf8'), stderr: readFileSync(errFile, 'utf8'), warnings }
  } finally {
    for (const fd of stdio) closeSync(fd)
    rmSync(dir, { recursive: true })
  }
}
