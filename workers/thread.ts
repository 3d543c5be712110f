import type { Socket } from 'node:net'
import { MessageChannel, parentPort, threadId } from 'node:worker_threads'
import { adopt } from './adopt.ts'
import { ClawError, toFault } from './contract/errors.ts'
import type { FlowReport, FlowTask, Hello } from './contract/messages.ts'
import type { ProtocolRuntime } from './contract/plugin.ts'
import { HostLink } from './host.ts'
import { sealParentPort } from './lockdown.ts'
import { CurrentProfile } from './profile.ts'
import { FlowSession } from './session.ts'

/** A runtime may use this long to say goodbye on a cancelled flow, ms. */
const graceMs = 250
/** A runtime that has not returned so long after its sockets were destroyed is left behind, ms. */
const abandonMs = 2000

type RuntimeOf = (type: string) => Promise<ProtocolRuntime>

/** Announces the thread to main and returns its task function: one flow from its descriptor to its report. */
export function startThread(runtimeOf: RuntimeOf): (task: FlowTask) => Promise<FlowReport> {
  if (parentPort === null) throw new ClawError('CP_INTERNAL', 'a worker entry was loaded outside a worker')
  const { port1, port2 } = new MessageChannel()
  const host = new HostLink(port1)
  const hello: Hello = { kind: 'clawpatrol.hello', threadId, records: host.recording.ring.memory }
  parentPort.postMessage({ ...hello, port: port2 }, [port2])
  const current = new CurrentProfile(host)
  return (task) => {
    // only now: the pool itself uses it until the thread is ready
    sealParentPort()
    return serveFlow({ host, current, runtimeOf }, task)
  }
}

interface Thread {
  readonly host: HostLink
  readonly current: CurrentProfile
  readonly runtimeOf: RuntimeOf
}

/** Never rejects: a rejection would not say whether the descriptor was adopted. */
async function serveFlow(thread: Thread, task: FlowTask): Promise<FlowReport> {
  const { host } = thread
  const { flow } = task
  let client: Socket
  try {
    client = adopt(task.fd)
  } catch (error) {
    return { flow: flow.id, bytesUp: 0, bytesDown: 0, actions: 0, endedBy: 'fault', fault: toFault(error) }
  }
  // from here on the descriptor is this thread's
  const signal = host.begin(flow.id)
  // a runtime that stops listening must not crash the thread
  client.on('error', () => undefined)
  let session: FlowSession | null = null
  let fault: unknown = null
  try {
    session = await openSession(thread, { task, client, signal })
    const runtime = await thread.runtimeOf(session.endpoint()?.protocol ?? '')
    await untilAbandoned(runtime.serve(session), client, signal)
  } catch (error) {
    fault = error
  }
  client.destroy()
  session?.closeRest(fault === null ? 'the flow ended' : toFault(fault).message)
  host.recording.flush()
  host.end(flow.id)
  return {
    flow: flow.id,
    bytesUp: client.bytesRead,
    bytesDown: client.bytesWritten,
    actions: session?.actions ?? 0,
    endedBy: signal.aborted ? 'cancel' : fault !== null ? 'fault' : session?.isDenied === true ? 'deny' : 'peer',
    fault: fault === null || signal.aborted ? null : toFault(fault),
  }
}

async function openSession(
  { host, current }: Thread,
  { task, client, signal }: { task: FlowTask; client: Socket; signal: AbortSignal },
): Promise<FlowSession> {
  const { limits } = await current.at(task.revision)
  const endpoint = task.route.candidates.find((name) => current.endpoint(name) !== null)
  if (endpoint === undefined)
    throw new ClawError('CP_CONFIG', `no endpoint claims ${task.flow.targetName ?? task.flow.target.host} any more`)
  signal.throwIfAborted()
  return new FlowSession({ host, current, task, endpoint, client, limits, signal })
}

/** Waits for the runtime; after a cancellation only for so long. */
function untilAbandoned(serving: Promise<void>, client: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const cancel = () => {
      timer = setTimeout(() => {
        client.destroy()
        timer = setTimeout(reject, abandonMs, new ClawError('CP_TIMEOUT', 'the protocol did not end its flow'))
      }, graceMs)
    }
    if (signal.aborted) cancel()
    else signal.addEventListener('abort', cancel, { once: true })
    const settle = (then: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
      then()
    }
    serving.then(
      () => settle(resolve),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}
