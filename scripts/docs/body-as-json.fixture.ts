import { plainOf } from '../../gateway/config/decode.ts'
import type { Block, Body } from '../../gateway/config/hcl/syntax.ts'

type Json = { [name: string]: unknown }

/** Parsed files as the JSON that `config.schema.json` is about. */
export function bodyAsJson(bodies: readonly Body[]): Json {
  const whole: Json = {}
  for (const body of bodies) addBody(whole, body)
  return whole
}

function addBody(to: Json, { attributes, blocks }: Body): void {
  for (const { name, value } of attributes) to[name] = plainOf(value, null)
  for (const block of blocks) addBlock(to, block)
}

function addBlock(to: Json, { type, labels, body }: Block): void {
  let at = to
  for (const name of [type, ...labels.map((label) => label.name)]) {
    const inner = (at[name] ?? {}) as Json
    at[name] = inner
    at = inner
  }
  addBody(at, body)
}
