import { createHash } from 'node:crypto'
import { noteChange, type RuleChange, type SystemChange } from '../journal.ts'
import type { Host } from './host.ts'
import { readHostFile, rootFile, writeHostFile } from './host-file.ts'
import { isInForce, type Rule } from './rules.ts'

/** Leads all traffic of this machine to the gateway. */
export interface WholeMachine {
  /** Says what is missing on this machine, before anything is asked or changed. @throws ClawError CP_ONBOARD */
  check(): Promise<void>
  /** Changes the machine; every change is in the journal before it is made, which is what takes it back. */
  up(): Promise<void>
  state(): Promise<RoutingState>
}

/** Whether traffic goes to the gateway now. */
export type RoutingState = RoutingUp | { readonly kind: 'down'; readonly why: string }

/** Traffic goes to the gateway. */
export interface RoutingUp {
  readonly kind: 'up'
  readonly how: string
}

/** Where a change is noted, and what makes it. */
export interface Place {
  /** The identity directory, which holds the journal. */
  readonly dir: string
  readonly host: Host
}

/** Notes a change and makes it. */
export async function make(place: Place, change: SystemChange, work: () => Promise<unknown>): Promise<void> {
  noteChange(place.dir, change)
  await work()
}

/** Those of the rules that are not there already: what somebody else put in force is theirs to take away. */
export async function newRules(host: Host, rules: readonly Rule[]): Promise<readonly RuleChange[]> {
  const missing: RuleChange[] = []
  for (const rule of rules) if (!(await isInForce(host, rule))) missing.push({ kind: 'rule', ...rule })
  return missing
}

/** Writes a file of the machine, as root's, and notes what was there. */
export async function writeFile(place: Place, file: string, text: string, mode: number): Promise<void> {
  const before = await readHostFile(place.host, file)
  const wrote = createHash('sha256').update(text).digest('hex')
  await make(place, { kind: 'file', path: file, before, wrote }, () =>
    writeHostFile(place.host, file, rootFile(text, mode)),
  )
}
