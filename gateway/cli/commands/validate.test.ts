import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const call =
  "import('./gateway/cli/commands/validate.ts').then(async ({ validate }) => { process.exitCode = await validate.run?.({ args: [process.argv[1] ?? ''], options: { json: process.argv[2] === 'json' } }) })"

const policy =
  'schema_version = 1\ngateway {\n  wireguard {\n    subnet_cidr = "10.55.0.0/24"\n    endpoint = "127.0.0.1:51820"\n  }\n}\n'

describe('clawpatrol validate', () => {
  const directory = mkdtempSync(join(tmpdir(), 'clawpatrol-validate-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const validate = (path: string, how = 'text') =>
    spawnSync(process.execPath, ['--import', 'tsx', '-e', call, path, how], { cwd: root, encoding: 'utf8' })

  it('says what is in a good file and exits 0', () => {
    const done = validate('examples/two-keys.hcl')
    expect(done).toMatchObject({ status: 0, stderr: '' })
    expect(done.stdout).toBe('ok: examples/two-keys.hcl — 1 endpoints across 1 profile(s)\n')
  })

  it('prints every problem of a bad file with its place and a frame, and exits 1', () => {
    const path = join(directory, 'bad.hcl')
    writeFileSync(path, 'schema_version = 1\ngateway {\n  stat_dir = "x"\n}\n')
    const done = validate(path)
    expect(done).toMatchObject({ status: 1, stdout: '' })
    expect(done.stderr).toContain(
      `${path}:3:3: error: unsupported argument "stat_dir" in gateway\n  2 | gateway {\n  3 |   stat_dir = "x"\n    |   ^^^^^^^^\n  hint: did you mean "state_dir"?\n`,
    )
    expect(done.stderr).toContain(`${path}: 2 errors\n`)
  })

  it('says which plugins it did not start, and keeps warnings apart from what is fine', () => {
    const path = join(directory, 'plugin.hcl')
    writeFileSync(path, `${policy}plugin "redis" {\n  source = "/opt/redis"\n}\n`)
    const done = validate(path)
    expect(done).toMatchObject({ status: 0 })
    expect(done.stdout).toBe(
      `ok: ${path} — 0 endpoints across 0 profile(s)\n  plugin "redis": not started, so its types are not checked [sandbox: enforce]\n`,
    )
    expect(done.stderr).toContain(`${path}: 1 warning\n`)
  })

  it('gives everything there is to say of a problem as JSON', () => {
    const path = join(directory, 'twice.hcl')
    writeFileSync(path, `${policy}gateway {\n}\ndefaults {\n  humantimeout = 5\n}\n`)
    const done = validate(path, 'json')
    expect(done).toMatchObject({ status: 1, stderr: '' })
    const place = (line: number, column: number, endColumn: number) => ({
      file: path,
      line,
      column,
      endLine: line,
      endColumn,
    })
    expect(JSON.parse(done.stdout)).toEqual({
      ok: false,
      path,
      endpoints: 0,
      profiles: 0,
      plugins: [],
      revision: null,
      problems: [
        {
          severity: 'error',
          message: 'duplicate gateway block: at most one is allowed over all files',
          hint: null,
          place: place(8, 1, 8),
          frame: '  7 | }\n  8 | gateway {\n    | ^^^^^^^',
          related: [{ message: 'the first is here', place: place(2, 1, 8) }],
        },
        {
          severity: 'error',
          message: 'unsupported argument "humantimeout" in defaults',
          hint: 'did you mean "human_timeout"?',
          place: place(11, 3, 15),
          frame: '  10 | defaults {\n  11 |   humantimeout = 5\n     |   ^^^^^^^^^^^^',
          related: [],
        },
      ],
    })
  })

  it('gives the same as one JSON object', () => {
    const done = validate(join(directory, 'nowhere.hcl'), 'json')
    expect(done.status).toBe(1)
    expect(JSON.parse(done.stdout)).toMatchObject({
      ok: false,
      endpoints: 0,
      problems: [{ severity: 'error', place: null }],
    })
  })
})
