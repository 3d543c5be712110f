import type { PushedVariable } from '../protocol.ts'

/** What the variables point to. */
export interface TrustFiles {
  /** The gateway's CA alone. */
  readonly caFile: string
  /** The machine's roots and the CA. */
  readonly bundleFile: string
}

const bundleNames = [
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'DENO_CERT',
  'PIP_CERT',
  'AWS_CA_BUNDLE',
  'CARGO_HTTP_CAINFO',
  'NIX_SSL_CERT_FILE',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'BUNDLE_SSL_CA_CERT',
  'PGSSLROOTCERT',
] as const

/** The variables that make tools trust the gateway; they are set whatever was there before. */
export function trustVariables(files: TrustFiles): { readonly [name: string]: string } {
  const bundle = Object.fromEntries(bundleNames.map((name) => [name, files.bundleFile]))
  return { ...bundle, NODE_EXTRA_CA_CERTS: files.caFile }
}

/**
 * The environment of a wrapped command: what was there, without clawpatrol's own variables, some of which are secrets;
 * the trust variables; and the gateway's, which never take the place of one that is set.
 * CLAWPATROL_NO_ENV=1 adds nothing.
 */
export function wrappedEnvironment(
  before: NodeJS.ProcessEnv,
  files: TrustFiles,
  pushed: readonly PushedVariable[],
): { readonly [name: string]: string } {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(before))
    if (value !== undefined && !name.startsWith('CLAWPATROL_')) env[name] = value
  if (before.CLAWPATROL_NO_ENV === '1') return env
  const trust = trustVariables(files)
  for (const { name, value } of pushed) if (env[name] === undefined && trust[name] === undefined) env[name] = value
  return { ...env, ...trust }
}

/** `export` lines for a POSIX shell; values are in single quotes, in which nothing is expanded. */
export function exportLines(files: TrustFiles, pushed: readonly PushedVariable[]): readonly string[] {
  const trust = trustVariables(files)
  const lines = Object.entries(trust).map(([name, value]) => exportLine(name, value))
  for (const { name, value, description, plugin_type } of pushed) {
    if (trust[name] !== undefined) continue
    // one line, or the rest of it would be a command
    const note = [description, plugin_type].filter((part) => part !== '').join(' — ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
    if (note !== '') lines.push(`# ${note.replace(/[\u0000-\u001f\u007f]+/g, ' ')}`)
    lines.push(exportLine(name, value))
  }
  return lines
}

function exportLine(name: string, value: string): string {
  return `export ${name}='${value.replaceAll("'", `'\\''`)}'`
}
