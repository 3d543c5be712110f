import { setImmediate } from 'node:timers/promises'
import { toFault } from '../../workers/contract/errors.ts'
import { compileApprover } from './approvers.ts'
import { compile } from './compile.ts'
import { compileCredential } from './credentials.ts'
import { closedKinds, declare, labelsOf } from './declare.ts'
import type { Decoding } from './decode.ts'
import { compileDefaults } from './defaults-block.ts'
import { type Problem, plainProblem, startReport, topOfFiles } from './diagnostics.ts'
import { compileEndpoint } from './endpoints.ts'
import { type FileMarkers, fileMarkers } from './file-markers.ts'
import { compileGateway } from './gateway-block.ts'
import { type Parsed, parse } from './hcl/parse.ts'
import { sourceOf } from './hcl/position.ts'
import { contentOf, type LoadedFiles, loadFiles, revisionOf } from './load.ts'
import { noteDiagnostics } from './note-diagnostics.ts'
import { compilePlugin } from './plugins.ts'
import type { Policy } from './policy.ts'
import { compileProfile } from './profiles.ts'
import { compileRule } from './rules.ts'
import { checkSchemaVersion } from './schema-version.ts'
import { reportUnserved } from './served.ts'
import { checkTunnelCycles, compileTunnel } from './tunnels.ts'

/** What a load found: a policy unless there was an error, and everything there is to say. */
export interface LoadedPolicy {
  readonly policy: Policy | null
  /** Errors in the order of files and places, then warnings. */
  readonly problems: readonly Problem[]
  /** What to watch for changes, whether the load succeeded or not. */
  readonly watched: readonly string[]
  /** Those of them that `<<file:…>>` brought in. */
  readonly included: readonly string[]
  /** Hash over everything that was read. */
  readonly content: string
}

/** How strictly a configuration is looked at. */
export interface LoadOptions {
  /** What this version cannot run is an error: for a gateway that is to serve it. */
  readonly servable?: boolean
}

/**
 * Loads a configuration: a file, or the `*.hcl` files of a directory. Never throws: whatever is wrong is a problem.
 * @param path as a person gave it; places are told with it
 */
export async function loadPolicy(path: string, options: LoadOptions = {}): Promise<LoadedPolicy> {
  const loaded = await loadFiles(path)
  const markers = fileMarkers(loaded.directory)
  const found = await compileFiles(loaded, markers, options)
  const included = [...markers.read.keys()]
  const watched = [...loaded.watched, ...included]
  return { ...found, watched, included, content: contentOf(loaded, markers.read) }
}

type Found = Pick<LoadedPolicy, 'policy' | 'problems'>

async function compileFiles(loaded: LoadedFiles, markers: FileMarkers, options: LoadOptions): Promise<Found> {
  if (loaded.problems.length > 0) return { policy: null, problems: loaded.problems }
  try {
    const parsed = await parse(loaded.files, { references: labelsOf, closed: closedKinds })
    return await build(loaded, markers, parsed, options)
  } catch (error) {
    return { policy: null, problems: [plainProblem(toFault(error).message)] }
  }
}

async function build(
  loaded: LoadedFiles,
  markers: FileMarkers,
  { bodies, diagnostics }: Parsed,
  { servable }: LoadOptions,
): Promise<Found> {
  const sources = loaded.files.map(sourceOf)
  const report = startReport(sources)
  const finish = (policy: Policy | null): Found => ({ policy, problems: report.problems() })
  if (bodies.length === 0) {
    noteDiagnostics(report, sources, diagnostics, null)
    return finish(null)
  }
  const version = checkSchemaVersion(report, bodies)
  if (version === null) return finish(null)
  const declarations = declare(report, bodies)
  noteDiagnostics(report, sources, diagnostics, declarations)
  const decoding: Decoding = { report, markers }
  const resolver = { report, declarations }
  const { all } = declarations
  const gateway = compileGateway(decoding, declarations.gateway)
  const defaults = compileDefaults(decoding, declarations.defaults)
  const endpoints = await compileAll(all.endpoint, (each) => compileEndpoint(decoding, resolver, each))
  const approvers = await compileAll(all.approver, (each) => compileApprover(decoding, resolver, each))
  const tunnels = await compileAll(all.tunnel, (each) => compileTunnel(decoding, resolver, each))
  const plugins = await compileAll(all.plugin, (each) => compilePlugin(decoding, each))
  const credentials = await compileAll(all.credential, (each) => compileCredential(decoding, resolver, each))
  const rules = await compileAll(all.rule, (each) => compileRule(decoding, resolver, sources, each))
  const profiles = await compileAll(all.profile, (each) => compileProfile(decoding, resolver, credentials, each))
  checkTunnelCycles(report, resolver)
  const compiled = compile(report, {
    revision: revisionOf(loaded.files, markers.read),
    schemaVersion: version.number,
    gateway,
    defaults,
    endpoints,
    credentials,
    approvers: [...approvers.values()],
    tunnels: [...tunnels.values()],
    rules: [...rules.values()],
    profiles: [...profiles.values()],
    plugins: [...plugins.values()],
  })
  if (compiled !== null && servable === true) reportUnserved(report, compiled, declarations)
  if (compiled === null || report.hasErrors()) return finish(null)
  if (!version.isWritten)
    report.warn(topOfFiles, 'schema_version is not set: the file is read as version 0', {
      hint: 'add schema_version = 1',
    })
  return finish({
    ...compiled,
    files: [...loaded.files.map(({ name }) => name), ...markers.read.keys()],
  })
}

/** Longest the event loop waits for a load, ms: a gateway goes on serving while it reloads. */
const sliceMs = 8

async function compileAll<D, C>(declared: ReadonlyMap<string, D>, one: (each: D) => C | null): Promise<Map<string, C>> {
  const compiled = new Map<string, C>()
  let began = performance.now()
  for (const [name, each] of declared) {
    const result = one(each)
    if (result !== null) compiled.set(name, result)
    if (performance.now() - began < sliceMs) continue
    await setImmediate()
    began = performance.now()
  }
  return compiled
}
