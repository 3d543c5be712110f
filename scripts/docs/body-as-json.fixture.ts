import type { Block, Body, Value } from '../../gateway/config/hcl/syntax.ts'

type Json = { [name: string]: unknown }

/** Parsed files as the JSON that `config.schema.json` is about. */
export function bodyAsJson(bodies: readonly Body[]): Json {
  const whole: Json = {}
  for (const body of bodies) addBody(whole, body)
  return whole
}

function addBody(to: Json, { attributes, blocks }: Body): void {
  for (const { name, value } of attributes) to[name] = plain(value)
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

function plain(value: Value): unknown {
  switch (value.kind) {
    case 'string':
    case 'bool':
      return value.value
    case 'number':
      return Number(value.value)
    case 'null':
    case 'unknown':
      return null
    case 'list':
      return value.items.map(plain)
    case 'map':
      return Object.fromEntries(value.entries.map((entry) => [entry.name, plain(entry.value)]))
    default:
      return value satisfies never
  }
}
