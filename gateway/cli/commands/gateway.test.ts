import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const call =
  "import('./gateway/cli/main.ts').then(async ({ main }) => { process.exitCode = await main(['gateway', process.argv[1] ?? '']) })"

describe('clawpatrol gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'clawpatrol-gateway-command-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const start = (line: string, more: string) => {
    const path = join(directory, 'gateway.hcl')
    writeFileSync(
      path,
      `schema_version = 1
gateway {
  state_dir = ${JSON.stringify(join(directory, 'state'))}
  ${line}
  wireguard {
    subnet_cidr = "10.55.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
}
${more}`,
    )
    const done = spawnSync(process.execPath, ['--import', 'tsx', '-e', call, path], { cwd: root, encoding: 'utf8' })
    return { path, ...done }
  }

  it('does not start with what it cannot serve, and says where that is', () => {
    const reached = `endpoint "ssh" "shell" {
  hosts = ["s.test"]
}
credential "passthrough" "open" {
  endpoint = ssh.shell
}
profile "default" {
  credentials = [passthrough.open]
}
`
    const { path, status, stderr } = start('', reached)
    expect(status).toBe(1)
    expect(stderr).toContain(
      `${path}:10:1: error: endpoint "shell" is of type ssh, which this version cannot serve yet\n`,
    )
    expect(stderr).toContain(`clawpatrol: ${path} has errors: the gateway does not start`)
  }, 60_000)

  it('does not start when it cannot write the log where it is told to', () => {
    const file = join(directory, 'nowhere', 'x.log')
    const { status, stderr } = start(
      `log_path = ${JSON.stringify(file)}`,
      'profile "default" {\n  credentials = []\n}\n',
    )
    expect(status).toBe(1)
    expect(stderr).toContain(
      `Cannot open the log file ${JSON.stringify(file)}: its directory does not exist\nhint: log_path`,
    )
  }, 60_000)
})
