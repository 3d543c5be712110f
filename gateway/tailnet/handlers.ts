import type { Handlers } from 'tsnet-bindings'
import type { Fd } from '../../workers/contract/ids.ts'
import type { TailnetHandlers } from './tailnet.ts'

/** The binding's announcements in the gateway's terms: descriptors are branded, the rest has the same shape. */
export function listen(handlers: TailnetHandlers): Handlers {
  return {
    flow: (flow) =>
      handlers.flow({
        from: flow.from,
        to: flow.to,
        node: flow.node,
        peek: (limits) => flow.peek(limits),
        take: async () => (await flow.take()) as Fd,
        relay: (to, timeoutMs) => flow.relay(to, timeoutMs),
        refuse: () => flow.refuse(),
        abort: () => flow.abort(),
      }),
    datagrams: (datagrams) => handlers.datagrams(datagrams),
    query: (query) => handlers.query(query),
  }
}
