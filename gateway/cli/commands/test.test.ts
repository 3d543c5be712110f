import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aConfig, aScratch, type Scratch } from '../../replay/lab.fixture.ts'
import { recordAll } from '../../replay/recorded.fixture.ts'
import { openDatabase } from '../../store/database.ts'
import { argsOf, root, runLines } from '../run-lines.fixture.ts'

const run = (...lines: readonly (readonly string[])[]) => runLines(lines)

const rule = (reason: string) =>
  `rule "no-deletes" {\n  endpoint  = https.api\n  condition = "http.method == 'delete'"\n  verdict   = "deny"\n  reason    = "${reason}"\n}\n`
const fixture = (match: object, method: string) =>
  `${JSON.stringify({ match, action: { host: 'api.test', http: { method, path: '/' } } }, null, 2)}\n`

let scratch: Scratch
let config = ''
const folder = (name: string, files: { readonly [name: string]: string }) => {
  const path = join(scratch.path, name)
  mkdirSync(path)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text)
  return path
}

beforeAll(() => {
  scratch = aScratch()
  config = scratch.write('gateway.hcl', aConfig(rule('deleting is off')))
})
afterAll(() => scratch[Symbol.dispose]())

describe('clawpatrol test', () => {
  it('exits 0, 1 and 2, and reports on stdout only when all is well', () => {
    const good = folder('good', {
      'b.json': fixture({ verdict: 'deny', rule: 'no-deletes' }, 'DELETE'),
      'a.json': fixture({ verdict: 'allow' }, 'GET'),
      'no.txt': '',
    })
    const bad = folder('bad', {
      'a.json': fixture({ verdict: 'allow' }, 'GET'),
      'b.json': fixture({ verdict: 'allow' }, 'DELETE'),
      'c.json': '{}',
    })
    const empty = folder('empty', {})
    folder('fixtures', {})
    const deep = folder('fixtures/api', { 'a.json': fixture({ verdict: 'allow' }, 'GET') })
    const broken = scratch.write('broken.hcl', 'schema_version = 1\n')
    const junit = join(scratch.path, 'report.xml')
    const [ok, failed, none, noConfig, usage, one, json, beside, noReport] = run(
      ['test', config, good, '--junit', junit, '--coverage'],
      ['test', config, bad],
      ['test', config, empty],
      ['test', broken, good],
      ['test', config, join(good, 'none')],
      ['test', config, join(good, 'b.json')],
      ['test', '--json', config, bad],
      ['test', config],
      ['test', config, good, '--junit', join(good, 'none', 'report.xml')],
    )
    expect(ok).toEqual({
      code: 0,
      stdout: `ok   ${good}/a.json\nok   ${good}/b.json\n2 action(s) checked, 0 mismatch(es)\ncoverage: 1 of 1 rule(s) exercised (100%)\n`,
      stderr: '',
    })
    expect(readFileSync(junit, 'utf8')).toContain('tests="2" failures="0" errors="0"')
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed?.stderr).toContain(`ok   ${bad}/a.json\nFAIL ${bad}/b.json\n  want verdict="allow"`)
    expect(failed?.stderr).toContain(`FAIL ${bad}/c.json: match: `)
    expect(failed?.stderr).toMatch(/3 action\(s\) checked, 2 mismatch\(es\)\n$/)
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none?.stderr).toContain('no fixtures')
    expect(noConfig).toMatchObject({ code: 2, stdout: '' })
    expect(noConfig?.stderr).toContain('error')
    expect(usage).toMatchObject({ code: 2 })
    expect(usage?.stderr).toContain('does not exist\nhint: ')
    expect(beside).toMatchObject({ code: 0, stdout: `ok   ${deep}/a.json\n1 action(s) checked, 0 mismatch(es)\n` })
    expect(noReport).toMatchObject({ code: 1 })
    expect(noReport?.stderr).toContain('Cannot write the report: ENOENT')
    expect(one).toMatchObject({ code: 0 })
    expect(json).toMatchObject({ code: 1, stderr: '' })
    expect(JSON.parse(json?.stdout ?? '')).toMatchObject({ ok: false, checked: 3, mismatches: 2 })
  })

  it('updates what changed, and leaves what cannot be read', () => {
    const stale = folder('stale', {
      'a.json': fixture({ verdict: 'allow' }, 'DELETE'),
      'b.json': fixture({ verdict: 'allow' }, 'GET'),
      'c.json': '{"match"',
    })
    const [updated, again] = run(['test', '--update', config, stale], ['test', config, join(stale, 'a.json')])
    expect(updated).toMatchObject({ code: 1 })
    expect(updated?.stderr).toContain(`new  ${stale}/a.json`)
    expect(readFileSync(join(stale, 'a.json'), 'utf8')).toBe(
      fixture({ verdict: 'deny', rule: 'no-deletes', reason: 'deleting is off' }, 'DELETE'),
    )
    expect(readFileSync(join(stale, 'b.json'), 'utf8')).toBe(fixture({ verdict: 'allow' }, 'GET'))
    expect(readFileSync(join(stale, 'c.json'), 'utf8')).toBe('{"match"')
    expect(again).toMatchObject({ code: 0 })
  })

  it('runs again when a fixture or the configuration changes, until it is interrupted', async () => {
    const watched = folder('watched', { 'a.json': fixture({ verdict: 'allow' }, 'DELETE') })
    const own = scratch.write('watched.hcl', aConfig(rule('first')))
    const child = spawn(process.execPath, argsOf([['test', '--watch', own, watched]]), {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    const saw = async (count: number, words: string) => {
      while (text.split(words).length <= count)
        await Promise.race([
          once(child.stdout, 'data'),
          once(child.stderr, 'data'),
          once(child, 'exit').then(() => Promise.reject(new Error(text))),
        ])
    }
    await saw(1, '1 mismatch(es)')
    expect(text).toContain('reason: first')
    writeFileSync(own, aConfig(rule('second')))
    await saw(1, 'reason: second')
    writeFileSync(join(watched, 'a.json'), fixture({ verdict: 'deny', rule: 'no-deletes' }, 'DELETE'))
    await saw(1, '0 mismatch(es)')
    const closed = once(child, 'close')
    child.kill('SIGINT')
    await closed
    expect(text.split('\0')).toContain('0')
  })
})

describe('clawpatrol explain', () => {
  it('walks the rules in words, exits 0, 1 and 2, and says what a record does not hold', async () => {
    const state = join(scratch.path, 'state')
    const headers = { Authorization: ['***'] }
    const http = { method: 'DELETE', path: '/x\nverdict: allow', query: {}, headers, body: '' }
    const [row] = await recordAll(openDatabase(state), [{ described: { host: 'api.test', http } }])
    const action = ['--http', 'DELETE https://api.test/x?t=hunter2', '--header', 'Authorization: hunter3']
    const [text, json, unclaimed, unknown, usage, noRecord, recorded] = run(
      ['explain', config, ...action, '--at', '2026-05-05T10:00:00Z', '--device', 'ci'],
      ['explain', config, ...action, '--json'],
      ['explain', config, '--http', 'GET https://elsewhere.test/'],
      ['explain', config, '--ssh', 'ci@box.test exec ls', '--credential', 'nobody'],
      ['explain', config],
      ['explain', config, '0190', '--state-dir', scratch.path],
      ['explain', config, row?.id ?? '', '--state-dir', state],
    )
    expect(text).toMatchObject({ code: 0, stderr: '' })
    expect(text?.stdout).toMatchInlineSnapshot(`
      "DELETE https://api.test/x
        endpoint https.api, credential key, profile default, device ci, at 2026-05-05T10:00:00.000Z

      >  1. matched      rule "no-deletes" (deny): http.method == 'delete' is true: http.method is "delete"

        what would change it:
        - without rule "no-deletes" no rule matches: the action would be allowed
        - would be allowed, since nothing else matches, if rule "no-deletes" did not match

      verdict: deny by rule "no-deletes": deleting is off
      "
    `)
    expect(json).toMatchObject({ code: 0 })
    expect(JSON.parse(json?.stdout ?? '')).toMatchObject({
      verdict: 'deny',
      rule: 'no-deletes',
      parts: [{ credential: 'key' }],
    })
    expect(`${text?.stdout}${json?.stdout}`).not.toContain('hunter')
    expect(unclaimed).toMatchObject({ code: 0, stdout: 'no endpoint claims the host: passthrough\n' })
    expect(unknown).toMatchObject({ code: 1, stdout: '' })
    expect(unknown?.stderr).toContain('there is no credential "nobody"')
    expect(usage).toMatchObject({ code: 2 })
    expect(noRecord).toMatchObject({ code: 1 })
    expect(recorded).toMatchObject({ code: 0, stderr: '' })
    expect(recorded?.stdout).toContain(
      'note: http.headers.Authorization is not in the record\nDELETE https://api.test/x\\x0averdict: allow\n',
    )
    expect(recorded?.stdout).toContain('verdict: deny by rule "no-deletes": deleting is off\n')
  })
})
