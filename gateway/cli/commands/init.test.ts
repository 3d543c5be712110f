import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const script = `import('./gateway/cli/main.ts').then(async ({ main }) => {
  for (const words of JSON.parse(process.argv[1])) process.stdout.write('exit ' + (await main(words)) + '\\n')
})`

/** Runs command lines one after the other in one process. */
function clawpatrol(...lines: readonly (readonly string[])[]): { readonly stdout: string; readonly stderr: string } {
  const words = ['--import', 'tsx', '-e', script, JSON.stringify(lines)]
  return spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' })
}

describe('clawpatrol init', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'clawpatrol-init-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('writes what validates and passes its fixtures, tells what to do next, and refuses to write over it', () => {
    const policy = join(directory, 'policy')
    const { stdout, stderr } = clawpatrol(
      ['init', policy, '--pack', 'github,ssh'],
      ['validate', policy],
      ['test', policy],
      ['init', policy],
      ['init', policy, '--force'],
    )
    expect(stdout.match(/^exit \d$/gm)).toEqual(['exit 0', 'exit 0', 'exit 0', 'exit 1', 'exit 0'])
    expect(stdout).toContain(`wrote gateway.hcl, github.hcl, ssh.hcl and `)
    expect(stdout).toContain(
      `  clawpatrol validate ${policy}\n  clawpatrol test ${policy}\n  clawpatrol secret set github-token\n`,
    )
    expect(stdout).toMatch(/\nssh: checked and tested, but clawpatrol gateway cannot serve it in this version\.\n/)
    expect(stdout).toMatch(/fixtures\/ssh\/[^\n]+\n\d+ action\(s\) checked, 0 mismatch\(es\)\n/)
    expect(stderr).toContain('already: nothing was written\nhint: ')
  })

  it('lists packs, and writes nothing for one that is none', () => {
    const other = join(directory, 'other')
    const { stdout, stderr } = clawpatrol(
      ['init', '--list'],
      ['init', other, '--pack', 'nope'],
      ['init', other, '--transport', 'carrier-pigeon'],
    )
    expect(stdout.match(/^exit \d$/gm)).toEqual(['exit 0', 'exit 1', 'exit 1'])
    expect(stdout).toMatch(/^github\s+yes\s+\d+\s+GitHub: /m)
    expect(stderr).toContain('There is no pack "nope"\nhint: known packs: github, llm, ')
    expect(stderr).toContain('There is no transport "carrier-pigeon"')
    expect(existsSync(other)).toBe(false)
  })
})
