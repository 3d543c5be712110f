import { createInterface } from 'node:readline'
import { start } from '../support/program.ts'
import { buildControl } from './build-control.ts'
import type { Namespace } from './namespace.ts'

/** How bad a link is: parts of all packets, 0 to 1. */
export interface LinkQuality {
  readonly loss: number
  /** Packets that come 5 ms late, so that others overtake them. */
  readonly reorder: number
}

/** Packets of both directions so far. */
export interface LinkCounts {
  readonly passed: number
  readonly lost: number
  readonly reordered: number
}

/** A link between two namespaces, in place of a pair of veth devices; kernels without netem have no other bad ones. */
export interface BadLink extends AsyncDisposable {
  counts(): Promise<LinkCounts>
  change(quality: LinkQuality): Promise<LinkCounts>
}

/** Makes a TUN device in each namespace, with a link between them that loses and reorders. Builds the control program. */
export async function badLink(
  ends: readonly { readonly namespace: Namespace; readonly device: string }[],
  quality: LinkQuality,
): Promise<BadLink> {
  const running = start(await buildControl(), ['link'], process.env, null)
  const { stdin, stdout } = running.child
  if (stdin === null || stdout === null) throw new Error('the link has no pipes')
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  const ask = async (settings: object): Promise<LinkCounts> => {
    stdin.write(`${JSON.stringify(settings)}\n`)
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`the link ended: ${running.output()}`)
    return JSON.parse(value) as LinkCounts
  }
  const end = async () => {
    stdin.end()
    await running[Symbol.asyncDispose]()
  }
  try {
    await ask({ ...quality, ends: ends.map(({ namespace, device }) => ({ pid: namespace.pid, name: device })) })
  } catch (error) {
    await end()
    throw error
  }
  return { counts: () => ask({}), change: ask, [Symbol.asyncDispose]: end }
}
