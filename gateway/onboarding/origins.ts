import type { Reach, RequestOrigin } from '../../onboard/server/ports.ts'
import type { TailnetNode } from '../tailnet/tailnet.ts'

/** Who is behind an address right now; null: nobody in the tailnet. */
export type Whois = (address: string) => Promise<TailnetNode | null>

/** Where a connection came from. */
export interface Origin {
  readonly source: string
  readonly reach: Reach
  /** Stable id of the node it comes from; null where there is none. */
  readonly node: string | null
}

/** How long the tailnet may take to say who is behind an address, ms. */
const whoisMs = 2000

/** Remembers of each connection where it came from. */
export interface OriginTable {
  note(socket: object, origin: Origin): void
  /** Asked anew for each request: tags and owners change. @returns null for whoever cannot be told who they are */
  of(socket: object): Promise<RequestOrigin | null>
}

/** @param whois absent: nothing comes from a tailnet */
export function originTable(whois?: Whois): OriginTable {
  const origins = new WeakMap<object, Origin>()
  return {
    note: (socket, origin) => void origins.set(socket, origin),
    async of(socket) {
      const origin = origins.get(socket)
      if (origin === undefined) return null
      const { source, reach, node: id } = origin
      if (reach !== 'tailnet') return { source, reach, node: null }
      if (id === null || whois === undefined) return null
      const node = await inTime(whois(source))
      // an address goes from one node to another, a stable id never does
      return node?.stableId === id ? { source, reach, node } : null
    },
  }
}

/** null: the tailnet does not know, fails or takes too long. */
async function inTime(work: Promise<TailnetNode | null>): Promise<TailnetNode | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), whoisMs)
  })
  try {
    return await Promise.race([work.catch(() => null), late])
  } finally {
    clearTimeout(timer)
  }
}
