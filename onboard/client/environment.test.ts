import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exportLines, trustVariables, wrappedEnvironment } from './environment.ts'

const files = { caFile: '/c/ca.crt', bundleFile: '/c/ca-bundle.crt' }
const pushed = (name: string, value: string) => ({ name, value, description: '', plugin_type: '' })

describe('wrappedEnvironment()', () => {
  it('makes every tool trust the gateway, whatever was set', () => {
    const env = wrappedEnvironment({ PATH: '/bin', SSL_CERT_FILE: '/mine', NODE_EXTRA_CA_CERTS: '/mine' }, files, [])
    expect(env).toEqual({ PATH: '/bin', ...trustVariables(files) })
    expect(env.SSL_CERT_FILE).toBe('/c/ca-bundle.crt')
    expect(env.NODE_EXTRA_CA_CERTS).toBe('/c/ca.crt')
  })

  it("takes clawpatrol's own variables away: some are secrets", () => {
    const before = { CLAWPATROL_SECRET_GITHUB: 's', CLAWPATROL_STATE: '/s', CLAWPATROL_DIR: '/d', HOME: '/h' }
    expect(Object.keys(wrappedEnvironment(before, files, [])).filter((name) => name.startsWith('CLAWPATROL'))).toEqual(
      [],
    )
  })

  it("adds the gateway's variables, but replaces none that is set and none of trust", () => {
    const variables = [
      pushed('TOKEN', 'PH'),
      pushed('MINE', 'PH'),
      pushed('SSL_CERT_FILE', '/evil'),
      pushed('EMPTY', 'PH'),
    ]
    const env = wrappedEnvironment({ MINE: 'mine', EMPTY: '' }, files, variables)
    expect([env.TOKEN, env.MINE, env.SSL_CERT_FILE, env.EMPTY]).toEqual(['PH', 'mine', '/c/ca-bundle.crt', ''])
  })

  it('adds nothing with CLAWPATROL_NO_ENV=1', () => {
    const before = { CLAWPATROL_NO_ENV: '1', PATH: '/bin', CLAWPATROL_SECRET_X: 's' }
    expect(wrappedEnvironment(before, files, [pushed('TOKEN', 'PH')])).toEqual({ PATH: '/bin' })
  })
})

describe('exportLines()', () => {
  it('describe a variable in a comment of one line', () => {
    const variable = { name: 'A', value: 'v', description: 'first\nrm -rf /', plugin_type: 'bearer_token' }
    expect(exportLines(files, [variable]).slice(-2)).toEqual(['# first rm -rf / — bearer_token', "export A='v'"])
  })

  it('drop a variable that would change trust', () => {
    expect(exportLines(files, [pushed('CURL_CA_BUNDLE', '/evil')]).join('\n')).not.toContain('/evil')
  })

  it('give a shell exactly the values, whatever is in them', () => {
    const nasty = ["'", '"', '$HOME', '`id`', '$(id)', '\\', '\n', ' ', '!', ';', '&', '*', '~', '\u0007', 'ü', "'\\''"]
    const values = fc.sample(fc.array(fc.constantFrom(...nasty), { maxLength: 12 }), 60).map((parts) => parts.join(''))
    const lines = exportLines(
      files,
      values.map((value, index) => pushed(`V${index}`, value)),
    )
    const show = values.map((_, index) => `printf '%s\\0' "$V${index}"`)
    const script = [...lines, ...show].join('\n')
    const out = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
    expect(out.split('\0').slice(0, -1)).toEqual(values)
  })
})
