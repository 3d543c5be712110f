/** The part of WebAssembly this project uses; without the browser's library TypeScript knows none of it. */
export interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<WasmModule>
  instantiate(module: WasmModule, imports: WasmImports): Promise<WasmInstance>
}

declare const compiled: unique symbol

/** A compiled module. */
export interface WasmModule {
  readonly [compiled]: true
}

/** A running module; `mem` is what Go calls its memory. */
export interface WasmInstance {
  readonly exports: { readonly mem: { readonly buffer: ArrayBuffer } }
}

/** Functions a module may call, by module and name. */
export type WasmImports = { readonly [module: string]: object }

/** Node's WebAssembly. */
export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly
