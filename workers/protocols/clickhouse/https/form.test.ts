import { describe, expect, it } from 'vitest'
import { readForm } from './form.ts'

const header = 'multipart/form-data; boundary=0123456789ab'
const part = (head: string, content: string) => `--0123456789ab\r\n${head}\r\n\r\n${content}\r\n`
const named = (name: string) => `Content-Disposition: form-data; name="${name}"`
const end = '--0123456789ab--\r\n'
const read = (body: string, type = header) => readForm(Buffer.from(body, 'latin1'), type)

describe('readForm()', () => {
  it('finds fields, and tables with what is about them', () => {
    const file = `${named('ids')}; filename="ids"\r\nContent-Type: application/octet-stream`
    const body = [
      part(named('query'), 'SELECT 1\r\n--x'),
      part(named('ids_structure'), 'id UInt8'),
      part(named('max_threads'), ''),
      part(file, '1\n2\r\n\r\n3'),
      end,
    ]
    expect(read(body.join(''))).toEqual({
      fields: [
        { name: 'query', value: 'SELECT 1\r\n--x', raw: '' },
        { name: 'max_threads', value: '', raw: '' },
      ],
      tables: ['ids'],
    })
  })

  it.each([
    ['no parts', end],
    ['something before the first part', `x${part(named('query'), 'x')}${end}`],
    ['something after the last', `${part(named('query'), 'x')}${end}x`],
    ['no end', part(named('query'), 'x')],
    ['the boundary inside a field', `${part(named('query'), 'a--0123456789ab')}${end}`],
    ['line feeds alone', `${part(named('query'), 'x')}${end}`.replaceAll('\r\n', '\n')],
    ['another field', `${part(`${named('query')}\r\nContent-Transfer-Encoding: base64`, 'x')}${end}`],
    ['two fields of a name', `${part(`${named('query')}\r\n${named('other')}`, 'x')}${end}`],
    ['an escaped name', `${part(named('que\\"ry'), 'x')}${end}`],
    ['a name without quotes', `${part('Content-Disposition: form-data; name=query', 'x')}${end}`],
    ['a second name', `${part(`${named('a')}; name="query"`, 'x')}${end}`],
    ['a name in another alphabet', `${part(`${named('a')}; name*=utf-8''query`, 'x')}${end}`],
  ])('refuses %s', (_what, body) => {
    expect(read(body)).toBeNull()
  })

  it.each([
    'multipart/form-data',
    `${header}; boundary=zzzzzzzzzz`,
    'multipart/form-data; boundary="0123456789ab"',
  ])('refuses %s', (type) => {
    expect(read(`${part(named('query'), 'x')}${end}`, type)).toBeNull()
  })
})
