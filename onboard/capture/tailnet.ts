import {
  hideMemory,
  startTailnetClient,
  type TailnetClient,
  type TailnetClientOptions,
  TailnetFault,
} from 'tsnet-bindings'
import { tailnetProblem } from './tailnet-problem.ts'

export type { TailnetClient as TailnetNode, TailnetClientOptions as TailnetNodeOptions } from 'tsnet-bindings'

/**
 * Makes this process a node of the tailnet whose way out is the gateway.
 * @throws ClawError CP_ONBOARD saying what keeps it out and what lets it in; the message never contains the key
 */
export async function startTailnetNode(options: TailnetClientOptions): Promise<TailnetClient> {
  // the node's keys are in it, and the command runs as the same user
  hideMemory()
  try {
    return await startTailnetClient(options)
  } catch (error) {
    throw error instanceof TailnetFault ? tailnetProblem(error, options) : error
  }
}
