import { toFault } from '../../workers/contract/errors.ts'
import { compile } from './compile.ts'
import { compileCredential } from './credentials.ts'
import { declare, labelsOf } from './declare.ts'
import type { Decoding } from './decode.ts'
import { type Problem, plainProblem, startReport } from './diagnostics.ts'
import { compileEndpoint } from './endpoints.ts'
import { fileMarkers } from './file-markers.ts'
import { compileDefaults, compileGateway } from './gateway-block.ts'
import { type Parsed, parse, type SourceFile } from './hcl/parse.ts'
import { sourceOf } from './hcl/position.ts'
import { type LoadedFiles, loadFiles, revisionOf } from './load.ts'
import { noteDiagnostics } from './note-diagnostics.ts'
import type { Policy } from './policy.ts'
import { compileProfile } from './profiles.ts'
import { compileRule } from './rules.ts'
import { checkSchemaVersion } from './schema-version.ts'

/** What a load found: a policy unless there was an error, and everything there is to say. */
export interface LoadedPolicy {
  readonly policy: Policy | null
  /** Errors in the order of files and places, then warnings. */
  readonly problems: readonly Problem[]
  /** What to watch for changes, whether the load succeeded or not. */
  readonly watched: readonly string[]
  /** When reading began, epoch ms: what changed after it is not in here. */
  readonly readAt: number
}

/**
 * Loads a configuration: a file, or the `*.hcl` files of a directory. Never throws: whatever is wrong is a problem.
 * @param path as a person gave it; places are told with it
 */
export async function loadPolicy(path: string): Promise<LoadedPolicy> {
  const readAt = Date.now()
  return { ...(await compileFiles(await loadFiles(path))), readAt }
}

async function compileFiles(loaded: LoadedFiles): Promise<Omit<LoadedPolicy, 'readAt'>> {
  if (loaded.problems.length > 0) return { policy: null, problems: loaded.problems, watched: loaded.watched }
  try {
    const parsed = await parse(loaded.files, { references: labelsOf, closed: ['gateway', 'defaults'] })
    return build(loaded, parsed)
  } catch (error) {
    const { message } = toFault(error)
    return { policy: null, problems: [plainProblem(message)], watched: loaded.watched }
  }
}

function build(loaded: LoadedFiles, { bodies, diagnostics }: Parsed): Omit<LoadedPolicy, 'readAt'> {
  const sources = loaded.files.map(sourceOf)
  const report = startReport(sources)
  const markers = fileMarkers(loaded.directory)
  const finish = (policy: Policy | null) => ({
    policy,
    problems: report.problems(),
    watched: [...loaded.watched, ...markers.read.keys()],
  })
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
  const endpoints = compileAll(all.endpoint, (each) => compileEndpoint(decoding, each))
  const credentials = compileAll(all.credential, (each) => compileCredential(decoding, resolver, each))
  const rules = compileAll(all.rule, (each) => compileRule(decoding, resolver, sources, each))
  const profiles = compileAll(all.profile, (each) => compileProfile(decoding, resolver, credentials, each))
  const compiled = compile(report, {
    revision: revisionOf(bytesOf(loaded.files, markers.read)),
    schemaVersion: version.number,
    gateway: gateway.settings,
    defaults,
    endpoints,
    credentials,
    rules: [...rules.values()],
    profiles: [...profiles.values()],
  })
  if (compiled === null) return finish(null)
  if (!version.isWritten)
    report.warn(null, 'schema_version is not set: the file is read as version 0', { hint: 'add schema_version = 1' })
  const unavailable = gateway.unavailable.flatMap(({ message, spot }) => {
    const place = sources[spot.file]?.place(spot.span)
    return place === undefined ? [] : [{ message, place }]
  })
  return finish({ ...compiled, unavailable, files: [...loaded.files.map(({ name }) => name), ...markers.read.keys()] })
}

function compileAll<D, C>(declared: ReadonlyMap<string, D>, one: (each: D) => C | null): Map<string, C> {
  const compiled = new Map<string, C>()
  for (const [name, each] of declared) {
    const result = one(each)
    if (result !== null) compiled.set(name, result)
  }
  return compiled
}

function bytesOf(files: readonly SourceFile[], included: ReadonlyMap<string, Buffer>): Uint8Array[] {
  const paths = [...included.keys()].sort()
  return [...files.map(({ bytes }) => bytes), ...paths.flatMap((path) => included.get(path) ?? [])]
}
