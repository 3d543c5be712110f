import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeAuthority } from '../support/authority.ts'
import { startLab } from '../support/lab.ts'

const password = 'git-secret-77aa21'

it('git clones over https with a credential it never sees', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'clawpatrol-git-'))
  const authority = makeAuthority(folder, ['git.example.test'])
  const server = gitServer(makeRepository(folder), authority)
  try {
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
    await using lab = await startLab({
      names: ['git.example.test'],
      secrets: { 'git-login': password },
      policy: () => `
endpoint "https" "git" {
  hosts    = ["git.example.test"]
  upstream = "127.0.0.1:${port}"
  ca_cert  = "<<file:${authority.caFile}>>"
}
credential "basic_auth" "git-login" {
  endpoint = https.git
  username = "agent"
}
rule "no-push" {
  endpoint  = https.git
  condition = "http.path.endsWith('/git-receive-pack')"
  verdict   = "deny"
  reason    = "agents do not push"
}
profile "default" {
  credentials = [basic_auth.git-login]
}
`,
    })
    const to = join(lab.dir, 'clone')
    const cloned = await lab.run(['git', 'clone', '-q', 'https://git.example.test/repo.git', to])
    expect(cloned).toMatchObject({ code: 0 })
    expect(readFileSync(join(to, 'file.txt'), 'utf8')).toBe('hello from the repository\n')
    const refused = await lab.run([
      'git',
      '-C',
      to,
      'push',
      'https://git.example.test/repo.git',
      'HEAD:refs/heads/other',
    ])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('403')
  } finally {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

function makeRepository(folder: string): string {
  const work = join(folder, 'work')
  mkdirSync(work)
  writeFileSync(join(work, 'file.txt'), 'hello from the repository\n')
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.test', ...args], { cwd: work, stdio: 'pipe' })
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('commit', '-q', '-m', 'first')
  git('clone', '-q', '--bare', '.', join(folder, 'repo.git'))
  return folder
}

/** git's own http-backend behind HTTPS with a password. */
function gitServer(root: string, authority: { key: string; cert: string }) {
  const wanted = `Basic ${Buffer.from(`agent:${password}`).toString('base64')}`
  return createServer({ key: authority.key, cert: authority.cert }, (request, response) => {
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      return
    }
    const url = new URL(request.url ?? '/', 'https://git')
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        REMOTE_USER: 'agent',
      },
    })
    request.pipe(backend.stdin)
    const chunks: Buffer[] = []
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    backend.on('close', () => {
      const whole = Buffer.concat(chunks)
      const end = whole.indexOf('\r\n\r\n')
      const lines = whole.subarray(0, end).toString('latin1').split('\r\n')
      const status = lines.find((line) => line.startsWith('Status: '))
      response.statusCode = status === undefined ? 200 : Number(status.slice(8, 11))
      for (const line of lines) {
        const [name, value] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]
        if (name !== 'Status') response.setHeader(name, value)
      }
      response.end(whole.subarray(end + 4))
    })
  })
}
