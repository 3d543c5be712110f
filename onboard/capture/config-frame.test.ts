import { describe, expect, it } from 'vitest'
import { encodeConfig, type HelperConfig } from './config-frame.ts'

const config: HelperConfig = {
  userNamespace: true,
  waitAll: false,
  address4: '10.0.0.2',
  address6: null,
  mtu: 1420,
  cwd: '/',
  user: null,
  argv: ['true'],
  env: {},
  files: [],
  hide: [],
  mask: [],
}

function fieldsOf(frame: Buffer): [number, string][] {
  const fields: [number, string][] = []
  expect(frame.readUInt32LE(0)).toBe(frame.length - 4)
  for (let at = 4; at < frame.length; ) {
    const size = frame.readUInt32LE(at + 1)
    fields.push([frame.readUInt8(at), frame.toString('latin1', at + 5, at + 5 + size)])
    expect(frame[at + 5 + size]).toBe(0)
    at += 6 + size
  }
  return fields
}

describe('encodeConfig()', () => {
  it('writes each value as a field that ends with a NUL', () => {
    expect(fieldsOf(encodeConfig(config))).toEqual([
      [1, '\x01\0\0\0'],
      [2, '10.0.0.2'],
      [4, '\x8c\x05\0\0'],
      [5, '/'],
      [8, 'true'],
    ])
  })

  it('writes lists as repeated fields and their parts with a NUL between', () => {
    const frame = encodeConfig({
      ...config,
      address6: 'fd63::2',
      user: { uid: 65534, gid: 100 },
      waitAll: true,
      env: { A: '1', B: undefined, C: '' },
      files: [{ path: '/etc/hosts', contents: 'x\n' }],
      hide: [{ dir: '/h', keep: ['ca.crt', 'b'] }],
      mask: ['/s'],
    })
    expect(fieldsOf(frame)).toEqual([
      [1, '\x07\0\0\0'],
      [2, '10.0.0.2'],
      [3, 'fd63::2'],
      [4, '\x8c\x05\0\0'],
      [5, '/'],
      [6, '\xfe\xff\0\0'],
      [7, 'd\0\0\0'],
      [8, 'true'],
      [9, 'A=1'],
      [9, 'C='],
      [10, '/etc/hosts\0x\n'],
      [11, '/h\0ca.crt\0b'],
      [12, '/s'],
    ])
  })

  it('refuses a NUL without quoting the text it is in', () => {
    expect(() => encodeConfig({ ...config, env: { TOKEN: 'secret\0' } })).toThrow(
      new RangeError('Cannot pass a text that contains a NUL byte'),
    )
  })
})
