import { describe, expect, it } from 'vitest'
import type { EndpointName, TunnelName } from '../../workers/contract/ids.ts'
import { formatHost, hostIndex, parseHost } from './hosts.ts'

const indexOf = (hosts: { readonly [endpoint: string]: readonly string[] }) =>
  hostIndex({
    endpoints: Object.entries(hosts).map(([name, list]) => ({
      name: name as EndpointName,
      protocol: 'https',
      hosts: list,
      settings: {},
      credentials: [],
      unmatched: 'allow',
      via: null,
      rules: [],
    })),
  })

describe('parseHost()', () => {
  it.each([
    ['API.Example.com', 'api.example.com'],
    ['a.test:8443', 'a.test:8443'],
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:80', '192.0.2.1:80'],
    ['[2001:DB8::0:1]:443', '[2001:db8::1]:443'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['*.Example.com', '*.example.com'],
    ['*.example.com:81', '*.example.com:81'],
    ['localhost', 'localhost'],
  ])('takes %s apart and writes it as %s', (declared, canonical) => {
    const entry = parseHost(declared)
    expect(typeof entry === 'string' ? entry : formatHost(entry)).toBe(canonical)
  })

  it.each([
    '',
    ' a.test',
    'a.test:0',
    'a.test:',
    'a.test:65536',
    'a.test:1e3',
    ':443',
    'https://a.test',
    'a.test/path',
    '*.com',
    '*',
    '*a.test.com',
    'a.*.com',
    '*.*.com',
    '*.1.2.3.4',
    '*..com',
    '*.a.com.',
    'a..test',
    '.a.test',
    '[a.test]:1',
    'user@a.test',
  ])('refuses %j in words', (declared) => {
    expect(parseHost(declared)).toBeTypeOf('string')
  })
})

describe('hostIndex()', () => {
  const index = indexOf({
    exact: ['a.example.com', 'b.example.com:8443'],
    wide: ['*.example.com'],
    deep: ['*.eu.example.com', '*.ports.example.com:9000'],
    ip: ['192.0.2.7', '[2001:db8::7]:444'],
  })

  it.each([
    ['a.example.com', 443, ['exact']],
    ['A.Example.COM.', 443, ['exact']],
    ['a.example.com', 8443, []],
    ['b.example.com', 8443, ['exact']],
    ['b.example.com', 443, ['wide']],
    ['x.y.example.com', 443, ['wide']],
    ['x.eu.example.com', 443, ['deep']],
    ['eu.example.com', 443, ['wide']],
    ['x.ports.example.com', 9000, ['deep']],
    ['x.ports.example.com', 443, ['wide']],
    ['example.com', 443, []],
    ['notexample.com', 443, []],
    ['192.0.2.7', 443, ['ip']],
    ['::ffff:192.0.2.7', 443, ['ip']],
    ['2001:0db8::0007', 444, ['ip']],
    ['[2001:db8::7]', 444, ['ip']],
    ['', 443, []],
  ])('find(%j, %i) answers %j', (name, port, endpoints) => {
    expect(index.find(name, port)).toEqual(endpoints)
  })

  it('owners() answers on any port', () => {
    expect(index.owners('b.example.com')).toEqual(['exact'])
    expect(index.owners('x.ports.example.com')).toEqual(['deep'])
  })

  it('lists names, wildcard suffixes and ports', () => {
    expect(index.names).toEqual(['a.example.com', 'b.example.com'])
    expect(index.suffixes).toEqual(['eu.example.com', 'example.com', 'ports.example.com'])
    expect([...index.ports].sort()).toEqual([443, 444, 8443, 9000])
  })

  it('tells endpoints of protocols that begin in their own way', () => {
    const more = { settings: {}, credentials: [], rules: [], unmatched: 'allow', via: null } as const
    const endpoint = (name: string, protocol: string, ...hosts: string[]) => ({
      ...more,
      name: name as EndpointName,
      protocol,
      hosts,
    })
    const mixed = hostIndex({
      endpoints: [
        endpoint('db', 'postgres', 'db.example', '192.0.2.9'),
        endpoint('old', 'postgres', 'old.example', 'older.example:6432'),
        { ...endpoint('far', 'postgres', 'far.example'), via: 'office' as TunnelName },
        endpoint('box', 'ssh', '*.boxes.example', 'box.example'),
        endpoint('api', 'https', 'api.example'),
      ],
    })
    expect([...mixed.silent]).toEqual(['db', 'old', 'far', 'box'])
    expect([...mixed.located]).toEqual([
      [5432, ['db.example', 'old.example']],
      [6432, ['older.example']],
      [22, ['box.example']],
    ])
    expect([...mixed.ports]).toEqual([443])
  })

  it('hands out lists that callers cannot spoil', () => {
    index.find('a.example.com', 443).push('stranger' as EndpointName)
    expect(index.find('a.example.com', 443)).toEqual(['exact'])
  })
})
