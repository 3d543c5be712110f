import { describe, expect, it } from 'vitest'
import { destinationPolicy, localAddresses } from './destination.ts'

const local = () => new Set(['203.0.113.9', '2001:db8::9'])
const policy = destinationPolicy({ allow: [], local })

describe('destinationPolicy() for hosts no endpoint claims', () => {
  it.each([
    ['0.0.0.0', 'this network'],
    ['10.0.0.1', 'a private network'],
    ['10.255.255.255', 'a private network'],
    ['100.64.0.1', 'a carrier or tailnet network'],
    ['100.127.255.255', 'a carrier or tailnet network'],
    ['127.0.0.1', 'the gateway itself'],
    ['127.255.255.254', 'the gateway itself'],
    ['168.63.129.16', 'a metadata service'],
    ['169.254.169.254', 'link-local, where cloud metadata services live'],
    ['172.16.0.1', 'a private network'],
    ['172.31.255.255', 'a private network'],
    ['192.0.0.8', 'a protocol network'],
    ['192.168.1.1', 'a private network'],
    ['198.18.0.1', 'a benchmark network'],
    ['198.19.255.255', 'a benchmark network'],
    ['224.0.0.1', 'multicast or reserved'],
    ['255.255.255.255', 'multicast or reserved'],
    ['203.0.113.9', 'an address of the gateway'],
    ['::', 'this host'],
    ['::1', 'the gateway itself'],
    ['fc00::1', 'a private network'],
    ['fd78::5', 'a private network'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fec0::1', 'a private network'],
    ['ff02::1', 'multicast'],
    ['2001:db8::9', 'an address of the gateway'],
    ['::ffff:127.0.0.1', 'the gateway itself'],
    ['::ffff:7f00:1', 'the gateway itself'],
    ['::FFFF:A9FE:A9FE', 'link-local, where cloud metadata services live'],
    ['0:0:0:0:0:ffff:10.0.0.1', 'a private network'],
    ['::ffff:0:10.0.0.1', 'a private network'],
    ['::ffff:203.0.113.9', 'an address of the gateway'],
    ['64:ff9b::7f00:1', 'the gateway itself'],
    ['64:ff9b::192.168.0.1', 'a private network'],
    ['64:ff9b:1::1', 'a local translation'],
    ['2002:7f00:1::1', 'the gateway itself'],
    ['2002:c0a8:101::', 'a private network'],
    ['::10.0.0.1', 'an IPv4 address in an obsolete form'],
    ['::8.8.8.8', 'an IPv4 address in an obsolete form'],
    ['2001:0:1234::1', 'a Teredo tunnel'],
    ['2130706433', 'not an address'],
    ['0177.0.0.1', 'not an address'],
    ['0x7f.1', 'not an address'],
    ['127.1', 'not an address'],
    ['1.2.3.4.', 'not an address'],
    ['1.2.3', 'not an address'],
    [' 1.2.3.4', 'not an address'],
    ['example.com', 'not an address'],
    ['', 'not an address'],
    ['[::1]', 'not an address'],
  ])('refuses %s: %s', (address, objection) => {
    expect(policy.unclaimed(address)).toBe(objection)
  })

  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.1',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ])('lets %s through', (address) => {
    expect(policy.unclaimed(address)).toBeNull()
  })

  it('lets through what relay_allow names, in every form, and nothing else', () => {
    const opened = destinationPolicy({ allow: ['10.1.0.0/16', 'fd00:1::/32', '192.168.0.7'], local })
    const asked = ['10.1.2.3', '::ffff:10.1.2.3', '10.2.0.0', 'fd00:1::5', 'fd00:2::5', '192.168.0.7', '192.168.0.8']
    expect(asked.filter((address) => opened.unclaimed(address) === null)).toEqual([
      '10.1.2.3',
      '::ffff:10.1.2.3',
      'fd00:1::5',
      '192.168.0.7',
    ])
  })
})

describe('destinationPolicy() for hosts the configuration names', () => {
  it.each([
    ['127.0.0.1', 'the gateway itself'],
    ['::1', 'the gateway itself'],
    ['::ffff:127.0.0.1', 'the gateway itself'],
    ['169.254.169.254', 'link-local, where cloud metadata services live'],
    ['100.100.100.200', 'a metadata service'],
    ['192.0.0.192', 'a metadata service'],
    ['168.63.129.16', 'a metadata service'],
    ['fd00:ec2::254', 'a metadata service'],
    ['10.78.0.5', 'a virtual address'],
    ['fd78::5', 'a virtual address'],
    ['fe80::1', 'link-local'],
    ['203.0.113.9', 'an address of the gateway'],
    ['0.0.0.0', 'this network'],
  ])('refuses %s: %s', (address, objection) => {
    expect(policy.configured(address)).toBe(objection)
  })

  it.each(['10.1.2.3', '192.168.1.1', '100.64.0.1', 'fd12::1', '1.1.1.1'])('lets %s through', (address) => {
    expect(policy.configured(address)).toBeNull()
  })
})

describe('localAddresses()', () => {
  it('holds the addresses of this machine', () => {
    expect(localAddresses()().has('127.0.0.1')).toBe(true)
  })
})
