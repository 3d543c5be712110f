import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createContext, Script } from 'node:vm'
import { ClawError } from '../../../workers/contract/errors.ts'
import { joinParts, namesOf } from './join.ts'
import { type PlainParts, readPlain } from './plain.ts'
import type { Body, Diagnostic } from './syntax.ts'
import { type WasmImports, type WasmInstance, type WasmModule, webAssembly } from './webassembly.ts'

/** One configuration file as read from disk. */
export interface SourceFile {
  /** As people are told it: the path they gave, or the file's name in the directory they gave. */
  readonly name: string
  readonly bytes: Buffer
}

/** What may be referred to, and from where. */
export interface Scope {
  /** Labels of each block kind that may be named by others. */
  readonly references: { readonly [kind: string]: 1 | 2 }
  /** Blocks whose attributes may refer to nothing. */
  readonly closed: readonly string[]
}

/** Bodies in the order of the files; none when there was a syntax error. */
export interface Parsed {
  readonly bodies: readonly Body[]
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Parses files and evaluates every attribute: plain parts here, everything else with HashiCorp's hcl/v2.
 * Wherever anything is wrong, or not beyond doubt, the whole is HashiCorp's.
 * @throws ClawError CP_CONFIG when the parser was not built, or gave up on the input (nested too deeply)
 */
export async function parse(files: readonly SourceFile[], scope: Scope): Promise<Parsed> {
  const parts = files.map(({ bytes }) => readPlain(bytes, scope.closed))
  const isPlain = parts.every(({ pieces }) => pieces.length === 0)
  const rest = isPlain ? { bodies: parts.map(() => emptyBody), diagnostics: [] } : await runGo(files, scope, parts)
  if (rest.diagnostics.length > 0) return parseWhole(files, scope)
  const bodies = joinParts(parts, rest.bodies, scope)
  return bodies === null ? parseWhole(files, scope) : { bodies, diagnostics: [] }
}

/** The same by HashiCorp's parser alone. */
export function parseWhole(files: readonly SourceFile[], scope: Scope): Promise<Parsed> {
  const whole = files.map(({ bytes }): PlainParts => ({ body: emptyBody, pieces: [[0, bytes.length]], open: [] }))
  return runGo(files, scope, whole)
}

const emptyBody: Body = { attributes: [], blocks: [] }

/** Each call runs in an instance of its own: its memory goes away with it, whatever the input did to it. */
async function runGo(files: readonly SourceFile[], scope: Scope, parts: readonly PlainParts[]): Promise<Parsed> {
  const { Go, module } = await loadOnce()
  const input = frame(files, scope, parts)
  const go = new Go()
  let output: string | undefined
  const instance = await webAssembly.instantiate(module, {
    ...go.importObject,
    clawpatrol: {
      size: () => input.length,
      read: (to: number) => new Uint8Array(memory().buffer).set(input, to),
      write: (from: number, size: number) => {
        output = Buffer.from(memory().buffer, from, size).toString('utf8')
      },
    },
  })
  const memory = () => instance.exports.mem
  try {
    await go.run(instance)
  } catch (cause) {
    throw new ClawError('CP_CONFIG', 'Cannot parse the configuration: it is nested too deeply', { cause })
  }
  if (output === undefined) throw new ClawError('CP_CONFIG', 'Cannot parse the configuration: the parser gave up')
  return JSON.parse(output) as Parsed
}

interface GoRuntime {
  readonly importObject: WasmImports
  exit: (code: number) => void
  run(instance: WasmInstance): Promise<void>
}

interface Parser {
  readonly Go: new () => GoRuntime
  readonly module: WasmModule
}

let parser: Promise<Parser> | undefined

function loadOnce(): Promise<Parser> {
  parser ??= load().catch((error: unknown) => {
    parser = undefined
    throw error
  })
  return parser
}

async function load(): Promise<Parser> {
  const [wasm, loader] = ['hcl.wasm', 'wasm_exec.cjs'].map(find)
  if (wasm === undefined || loader === undefined)
    throw new ClawError('CP_CONFIG', 'Cannot load the configuration parser: hcl.wasm has not been built', {
      hint: 'npm run build',
    })
  const [module, script] = await Promise.all([
    readFile(wasm).then((bytes) => webAssembly.compile(bytes)),
    readFile(loader, 'utf8'),
  ])
  // a context of its own: Go's loader sets globals; what a panic prints may quote the file and goes nowhere
  const silent = { log: () => undefined, warn: () => undefined, error: () => undefined }
  const sandbox = {
    WebAssembly: webAssembly,
    TextEncoder,
    TextDecoder,
    performance,
    crypto,
    setTimeout,
    clearTimeout,
    console: silent,
  }
  const context = createContext(sandbox)
  new Script(script, { filename: loader.pathname }).runInContext(context)
  return { Go: new Script('Go').runInContext(context) as Parser['Go'], module }
}

function find(name: string): URL | undefined {
  // dist/ mirrors the sources one level deeper, without what the build made of Go
  return [`./build/${name}`, `../../../../gateway/config/hcl/build/${name}`]
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url))
}

function frame(files: readonly SourceFile[], scope: Scope, parts: readonly PlainParts[]): Buffer {
  const head = Buffer.from(
    JSON.stringify({
      ...scope,
      names: parts.flatMap(({ body }) => namesOf(body, scope.references)),
      files: files.map(({ name, bytes }, index) => ({ name, size: bytes.length, pieces: parts[index]?.pieces ?? [] })),
    }),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  return Buffer.concat([length, head, ...files.map(({ bytes }) => bytes)])
}
