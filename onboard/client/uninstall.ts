import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { identityFiles, loadIdentity } from './identity.ts'
import { dropChange, readJournal } from './journal.ts'
import { reachGateway } from './reach-gateway.ts'
import type { SystemCommand } from './system-command.ts'
import { removeTrust } from './trust.ts'
import { type Host, thisHost } from './whole-machine/host.ts'
import { markerName } from './whole-machine/marker.ts'
import { unrouteWholeMachine } from './whole-machine/mode.ts'

const leaveMs = 5000

/** What became of one step. */
export interface UninstallStep {
  readonly label: string
  /** null: done. */
  readonly failure: string | null
}

/** What to take off this machine. */
export interface UninstallRequest {
  readonly dir: string
  /** Leaves the CA among the machine's roots and in the directory. */
  readonly keepCa: boolean
  /** Leaves the join in place: the device stays at the gateway. */
  readonly keepConf: boolean
  readonly run?: SystemCommand
  readonly host?: Host
}

/**
 * Takes back what joining did, the newest change first. Each step goes on where the one before failed;
 * what failed stays in the journal, so that running it again finishes it.
 * Only files of a join are removed: a gateway may keep its state in the same directory.
 */
export async function uninstall(request: UninstallRequest): Promise<readonly UninstallStep[]> {
  const { dir, host = thisHost } = request
  const steps: UninstallStep[] = []
  const step = async (label: string, work: () => unknown) => {
    try {
      await work()
      steps.push({ label, failure: null })
    } catch (error) {
      steps.push({ label, failure: error instanceof Error ? error.message : String(error) })
    }
  }
  const leaveGateway = async () => {
    if (request.keepConf || !existsSync(join(dir, identityFiles.token))) return
    await step('device taken off the gateway', () => leave(dir))
  }
  // a gateway in a tailnet answers only while this machine is in it; one behind a tunnel answers outside of it
  const isTailnet = existsSync(join(dir, identityFiles.authKey))
  if (isTailnet) await leaveGateway()
  await unroute(dir, host, steps)
  if (!isTailnet) await leaveGateway()
  if (!request.keepCa) {
    await step("CA taken off this machine's roots", async () => {
      for (const change of [...readJournal(dir)].reverse()) {
        if (change.kind !== 'trust') continue
        await removeTrust(change, request.run)
        dropChange(dir, change)
      }
    })
  }
  await step('files removed', () => removeFiles(request))
  return steps
}

async function unroute(dir: string, host: Host, steps: UninstallStep[]): Promise<void> {
  try {
    for (const { label, left } of await unrouteWholeMachine(dir, host)) steps.push({ label, failure: left })
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    steps.push({ label: "this machine's own network as it was", failure })
  }
}

async function leave(dir: string): Promise<void> {
  const identity = loadIdentity(dir)
  const gateway = await reachGateway(identity)
  try {
    const { token } = identity
    const reply = await gateway.ask({ method: 'DELETE', path: '/api/peer/self', token, timeoutMs: leaveMs })
    // 401: the operator deleted it already
    if (reply.status !== 204 && reply.status !== 401)
      throw new Error(`the gateway answered ${reply.status}; ask its operator to delete ${identity.deviceName}`)
  } finally {
    await gateway.close()
  }
}

function removeFiles({ dir, keepCa, keepConf }: UninstallRequest): void {
  const { ca, bundle, journal, ...conf } = identityFiles
  const names: readonly string[] = [
    ...(keepConf ? [] : [...Object.values(conf), markerName]),
    ...(keepCa ? [] : [ca, bundle]),
  ]
  if (!existsSync(dir)) return
  // also what a killed program was about to put in the place of one
  const isOurs = (found: string) => names.includes(found.replace(/\.\d+\.new$/, ''))
  for (const found of readdirSync(dir).filter(isOurs)) rmSync(join(dir, found))
  if (readdirSync(dir).length === 0) rmdirSync(dir)
}
