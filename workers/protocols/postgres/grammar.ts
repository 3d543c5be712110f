import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** One instance of libpg_query. Each function gives the JSON it printed, or null for what it refuses. */
export interface Grammar {
  parse(text: string): string | null
  /** @param text one whole DO, CREATE FUNCTION or CREATE PROCEDURE statement in plpgsql */
  parsePlpgsql(text: string): string | null
  scan(text: string): string | null
  /** Bytes of memory it holds; they only grow. */
  memory(): number
}

/** Makes an instance that shares nothing with others but the compiled code. */
export type MakeGrammar = () => Promise<Grammar>

/** What Emscripten's loader gives; the package's own face of it has one instance for good. */
interface Module {
  readonly HEAPU8: Uint8Array
  lengthBytesUTF8(text: string): number
  stringToUTF8(text: string, pointer: number, bytes: number): void
  UTF8ToString(pointer: number): string
  getValue(pointer: number, type: 'i32'): number
  _malloc(bytes: number): number
  _free(pointer: number): void
  _wasm_parse_query_raw(text: number): number
  _wasm_free_parse_result(result: number): void
  _wasm_parse_plpgsql(text: number): number
  _wasm_scan(text: number): number
  _wasm_free_string(string: number): void
}

type Receive = (instance: object) => void
type Factory = (settings: {
  readonly instantiateWasm: (imports: object, receive: Receive) => object
  readonly print: () => void
  readonly printErr: () => void
}) => Promise<Module>

/** The part of WebAssembly's interface used here; the types of Node do not have it. */
interface Compiler {
  compile(bytes: Uint8Array): Promise<object>
  readonly Instance: new (code: object, imports: object) => object
}

const { compile, Instance } = (globalThis as unknown as { readonly WebAssembly: Compiler }).WebAssembly

const require = createRequire(import.meta.url)

/** Compiles the grammar. The loader would read its code through functions that are closed in workers. */
export async function compileGrammar(): Promise<MakeGrammar> {
  const factory = require('libpg-query/wasm/libpg-query.js') as Factory
  const code = await compile(await readFile(require.resolve('libpg-query/wasm/libpg-query.wasm')))
  return async () =>
    faceOf(
      await factory({
        instantiateWasm: (imports, receive) => {
          // at once: what fails here fails the loader, which waits for nothing else
          receive(new Instance(code, imports))
          return {}
        },
        print: () => undefined,
        printErr: () => undefined,
      }),
    )
}

function faceOf(module: Module): Grammar {
  return {
    parse: (text) => withText(module, text, (pointer) => parsed(module, pointer)),
    parsePlpgsql: (text) => withText(module, text, (pointer) => printed(module, module._wasm_parse_plpgsql(pointer))),
    scan: (text) => withText(module, text, (pointer) => printed(module, module._wasm_scan(pointer))),
    memory: () => module.HEAPU8.length,
  }
}

function withText(module: Module, text: string, read: (pointer: number) => string | null): string | null {
  const bytes = module.lengthBytesUTF8(text) + 1
  const pointer = module._malloc(bytes)
  if (pointer === 0) throw new RangeError('no memory for the text')
  module.stringToUTF8(text, pointer, bytes)
  const result = read(pointer)
  // not after a throw: what runs out of stack leaves a memory nobody may touch again
  module._free(pointer)
  return result
}

/** `PgQueryParseResult`: tree, text of stderr, error. */
function parsed(module: Module, text: number): string | null {
  const result = module._wasm_parse_query_raw(text)
  if (result === 0) throw new RangeError('no memory for the parse tree')
  const tree = module.getValue(result, 'i32')
  const error = module.getValue(result + 8, 'i32')
  const json = error !== 0 || tree === 0 ? null : module.UTF8ToString(tree)
  module._wasm_free_parse_result(result)
  return json
}

/** A JSON object, or a message in words instead. */
function printed(module: Module, string: number): string | null {
  const text = module.UTF8ToString(string)
  module._wasm_free_string(string)
  return text.startsWith('{') ? text : null
}
