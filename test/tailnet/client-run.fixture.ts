import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Captured, runCaptured } from '../../onboard/capture/captured.fixture.ts'
import { startTailnetNode, type TailnetNode, type TailnetNodeOptions } from '../../onboard/capture/tailnet.ts'
import type { Control } from './control.ts'

/** A run's node as `clawpatrol run` has it, and its state directory. */
export interface ClientRun extends AsyncDisposable {
  readonly node: TailnetNode
  readonly stateDir: string
  /** Runs a Python program with all its traffic in the tailnet. */
  python(program: string): Promise<Captured>
}

/** Starts a node with a fresh ephemeral key, or with what is set. */
export async function startRun(
  control: Control,
  exitNode: string,
  settings: Partial<TailnetNodeOptions> = {},
): Promise<ClientRun> {
  const stateDir = mkdtempSync(join(tmpdir(), 'clawpatrol-run-test-'))
  const removeState = () => rmSync(stateDir, { recursive: true, force: true })
  const { key } = await control.mint({ ephemeral: true, reusable: true, tags: ['tag:client'] })
  const { controlUrl } = control
  const options = { stateDir, hostname: 'laptop-run-1', authKey: key, controlUrl, exitNode, timeoutMs: 15_000 }
  try {
    const node = await startTailnetNode({ ...options, ...settings })
    return {
      node,
      stateDir,
      python: (program) =>
        runCaptured('python3', ['-c', program], {
          tunnel: { address4: node.address4, address6: node.address6, mtu: 1280, dns: [exitNode] },
          attach: async (tunFd) => {
            await node.attach(tunFd)
            return { close: () => Promise.resolve() }
          },
        }),
      async [Symbol.asyncDispose]() {
        await node.logout().catch(() => undefined)
        await node.close()
        removeState()
      },
    }
  } catch (error) {
    removeState()
    throw error
  }
}
