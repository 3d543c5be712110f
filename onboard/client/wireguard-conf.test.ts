import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readWireguardConf, writeWireguardConf } from './wireguard-conf.ts'

const key = `${'A'.repeat(42)}E=`
const conf = `[Interface]
PrivateKey =
Address = 10.55.0.2/32, fd77::2/128

[Peer]
PublicKey = ${key}
Endpoint = gate.example:51820
AllowedIPs = 0.0.0.0/0, ::/0
PersistentKeepalive = 25
`

describe('readWireguardConf()', () => {
  it('reads what a gateway sends', () => {
    expect(readWireguardConf(conf)).toEqual({
      addresses: ['10.55.0.2/32', 'fd77::2/128'],
      serverPublicKey: key,
      endpoint: 'gate.example:51820',
      keepaliveS: 25,
    })
  })

  it.each([
    ['PostUp = rm -rf /', '[Interface]'],
    ['PreUp = id', '[Interface]'],
    ['PostDown = id', '[Interface]'],
    ['PreDown = id', '[Interface]'],
    ['postup = id', '[Interface]'],
    ['PostUp=id', '[Interface]'],
    ['DNS = 6.6.6.6', '[Interface]'],
    ['Table = off', '[Interface]'],
    ['SaveConfig = true', '[Interface]'],
    ['PostUp = id', '[Peer]'],
    ['PresharedKey = x', '[Peer]'],
    ['[Interface]', '[Peer]'],
    ['[Peer]', '[Peer]'],
    ['[Script]', '[Peer]'],
    ['# comment', '[Peer]'],
    ['Endpoint = other:1', '[Peer]'],
    ['just text', '[Peer]'],
    ['Address = 10.55.0.9/32', '[Interface]'],
  ])('refuses a line %s', (line, behind) => {
    expect(() => readWireguardConf(conf.replace(behind, `${behind}\n${line}`))).toThrow('unexpected')
  })

  it.each([
    ['PrivateKey =', 'PrivateKey = abc'],
    ['10.55.0.2/32', '10.55.0.2/32; id'],
    ['10.55.0.2/32', '$(id)/32'],
    ['gate.example:51820', 'gate.example:51820 # x'],
    ['gate.example:51820', '$(id):1'],
    ['gate.example:51820', 'a b:1'],
    ['0.0.0.0/0, ::/0', '10.0.0.0/8'],
    [key, 'AAAA'],
    ['= 25', '= 25s'],
  ])('refuses %s written as %s', (right, wrong) => {
    expect(() => readWireguardConf(conf.replace(right, wrong))).toThrow('unexpected')
  })

  it.each(['Address', 'PublicKey', 'Endpoint'])('refuses one without %s', (name) => {
    const lines = conf.split('\n').filter((line) => !line.startsWith(name))
    expect(() => readWireguardConf(lines.join('\n'))).toThrow(name)
  })

  it('never quotes a value in its message', () => {
    expect(() => readWireguardConf(conf.replace('[Peer]', '[Peer]\nSecretThing = hunter2'))).toThrow(/^(?!.*hunter2)/)
  })

  it('lets no text through to what is written', () => {
    const allowed =
      /^(\[Interface\]|\[Peer\]|(PrivateKey|Address|PublicKey|Endpoint|AllowedIPs|PersistentKeepalive) = [^\n]+|)$/
    fc.assert(
      fc.property(fc.nat(conf.length), fc.string({ maxLength: 12 }), (at, text) => {
        let written: string
        try {
          written = writeWireguardConf(readWireguardConf(conf.slice(0, at) + text + conf.slice(at)), key)
        } catch (error) {
          expect(error).toMatchObject({ code: 'CP_ONBOARD' })
          return
        }
        const lines = written.split('\n')
        expect(lines).toHaveLength(10)
        for (const line of lines) expect(line).toMatch(allowed)
      }),
      { numRuns: 500 },
    )
  })
})
