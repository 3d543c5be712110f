import type { HiddenDir } from './capture.ts'
import type { ReplacedFile } from './dns-lockdown.ts'

/** What the helper is told before it enters its namespaces. */
export interface HelperConfig {
  /** Maps only our own uid; without it the helper must be root. */
  readonly userNamespace: boolean
  readonly waitAll: boolean
  readonly address4: string
  readonly address6: string | null
  readonly mtu: number
  readonly cwd: string
  readonly user: { readonly uid: number; readonly gid: number } | null
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly files: readonly ReplacedFile[]
  readonly hide: readonly HiddenDir[]
  readonly mask: readonly string[]
}

// numbered as in netns/message.c
const FIELD = {
  flags: 1,
  address4: 2,
  address6: 3,
  mtu: 4,
  cwd: 5,
  uid: 6,
  gid: 7,
  arg: 8,
  env: 9,
  file: 10,
  hide: 11,
  mask: 12,
} as const

const FLAG = { userNamespace: 1, switchUser: 2, waitAll: 4 } as const

/**
 * One frame: u32 length, then fields of u8 name, u32 length, value and a NUL, little-endian.
 * @throws RangeError when a text holds a NUL, which would end it early on the other side
 */
export function encodeConfig(config: HelperConfig): Buffer {
  const flags =
    (config.userNamespace ? FLAG.userNamespace : 0) |
    (config.user === null ? 0 : FLAG.switchUser) |
    (config.waitAll ? FLAG.waitAll : 0)
  const fields = [number(FIELD.flags, flags), text(FIELD.address4, config.address4)]
  if (config.address6 !== null) fields.push(text(FIELD.address6, config.address6))
  fields.push(number(FIELD.mtu, config.mtu), text(FIELD.cwd, config.cwd))
  if (config.user !== null) fields.push(number(FIELD.uid, config.user.uid), number(FIELD.gid, config.user.gid))
  for (const arg of config.argv) fields.push(text(FIELD.arg, arg))
  for (const [name, value] of Object.entries(config.env)) {
    if (value !== undefined) fields.push(text(FIELD.env, `${name}=${value}`))
  }
  for (const file of config.files) fields.push(list(FIELD.file, [file.path, file.contents]))
  for (const hidden of config.hide) fields.push(list(FIELD.hide, [hidden.dir, ...hidden.keep]))
  for (const path of config.mask) fields.push(text(FIELD.mask, path))
  const body = Buffer.concat(fields)
  return Buffer.concat([uint32(body.length), body])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function field(name: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of(name), uint32(value.length), value, Buffer.of(0)])
}

function number(name: number, value: number): Buffer {
  return field(name, uint32(value))
}

function text(name: number, value: string): Buffer {
  return list(name, [value])
}

function list(name: number, values: readonly string[]): Buffer {
  // the value is not quoted: it may be a secret
  if (values.some((value) => value.includes('\0'))) throw new RangeError('Cannot pass a text that contains a NUL byte')
  return field(name, Buffer.from(values.join('\0')))
}
