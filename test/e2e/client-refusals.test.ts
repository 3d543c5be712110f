import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freeTcpPort } from '../../gateway/demo/free-ports.ts'
import { type Lab, labEnvironment, startLab } from '../support/lab.ts'
import { clawpatrol, type Finished, run } from '../support/program.ts'

const isRoot = process.geteuid?.() === 0

/** One sentence with a hint, exit code 2, nothing on stdout, no stack. */
function expectSentence(done: Finished, sentence: RegExp): void {
  expect(done).toMatchObject({ code: 2, stdout: '' })
  expect(done.stderr).toMatch(sentence)
  expect(done.stderr).toMatch(/^clawpatrol: [^\n]+\n(hint: [^\n]+\n)?$/)
}

describe('a machine that has not joined', () => {
  const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-client-'))
  const cli = (...words: string[]) => run(process.execPath, [clawpatrol, ...words], labEnvironment(dir))
  let stranger: Server
  let strangerUrl = ''

  beforeAll(async () => {
    stranger = createServer((_request, response) => response.writeHead(200).end('<html>welcome</html>'))
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', () => resolve()))
    strangerUrl = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
  })
  afterAll(() => {
    stranger.close()
    rmSync(dir, { recursive: true, force: true })
  })

  it('runs nothing', async () => {
    const mark = join(dir, 'ran')
    expectSentence(await cli('run', '--', 'touch', mark), /This machine has not joined a gateway: .* is missing/)
    expect(await run('ls', [mark])).toMatchObject({ code: 2 })
  })

  it.each([
    ['env', 2],
    ['status', 1],
  ])('says so in %s', async (command, code) => {
    const done = await cli(command)
    expect(done.code).toBe(code)
    expect(done.stdout + done.stderr).toMatch(/has not joined a gateway/)
  })

  it('says that nothing listens where it is told to join', async () => {
    expectSentence(
      await cli('join', `http://127.0.0.1:${await freeTcpPort()}`),
      /Cannot reach the gateway at .*: nothing listens there/,
    )
  })

  it('says that what answers is no gateway', async () => {
    expectSentence(await cli('join', strangerUrl), /no usable CA certificate|no clawpatrol gateway/)
  })

  it.each([
    ['gateway.example', /it has no scheme/],
    ['ftp://gateway.example', /only http and https will do/],
    ['http://127.0.0.1:1/path', /it has a path/],
    ['http://user:password@127.0.0.1:1', /it has a user name or password in it/],
    ['http://203.0.113.9:1', /Will not join over plain http/],
  ])('says what is wrong with the URL %s', async (url, sentence) => {
    expectSentence(await cli('join', url), sentence)
  })

  it.each([
    [['run'], /no command to run/],
    [['run', '--allow', 'everything', '--', 'true'], /--allow knows no "everything"/],
    [['run', '--no-such-option'], /unknown option/],
    [['no-such-command'], /unknown command/],
    [['join'], /missing required argument/],
  ])('calls %j wrong usage', async (words, sentence) => {
    const done = await cli(...words)
    expect(done).toMatchObject({ code: 2, stdout: '' })
    expect(done.stderr).toMatch(sentence)
    expect(done.stderr).not.toMatch(/^\s+at /m)
  })
})

describe('a machine that has joined', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await startLab({ names: ['api.example.test'], policy: () => 'profile "default" {\n  credentials = []\n}\n' })
  })
  afterAll(() => lab?.[Symbol.asyncDispose]())

  /** Runs `clawpatrol` by a shell line in namespaces of its own; the line ends with what stands before the command. */
  const inNamespace = (flags: string, line: string, words: readonly string[]) =>
    run('unshare', [flags, 'sh', '-c', `${line} "$@"`, 'sh', process.execPath, clawpatrol, ...words], lab.env)

  it('runs nothing without /dev/net/tun, and says what brings it', async () => {
    const mark = join(lab.dir, 'ran-without-tun')
    const hide = 'mount -t tmpfs tmpfs /dev/net && exec'
    const done = await inNamespace(isRoot ? '-m' : '-rm', hide, ['run', '--', 'touch', mark])
    expectSentence(done, /Cannot open "\/dev\/net\/tun": no such file or directory/)
    expect(done.stderr).toContain('hint: sudo modprobe tun')
    expect(await run('ls', [mark])).toMatchObject({ code: 2 })
  })

  it('runs nothing where namespaces are refused, and says what allows them', async () => {
    const mark = join(lab.dir, 'ran-without-namespaces')
    const limit = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --bounding-set=-all'
    const done = await inNamespace('-Ur', limit, ['run', '--', 'touch', mark])
    expectSentence(done, /Cannot make a user namespace/)
    expect(done.stderr).toMatch(/hint: .*sysctl -w user\.max_user_namespaces/)
    expect(await run('ls', [mark])).toMatchObject({ code: 2 })
  })

  it('with a damaged or foreign identity runs nothing', async () => {
    const env = { ...lab.env, CLAWPATROL_DIR: join(lab.dir, 'damaged') }
    mkdirSync(env.CLAWPATROL_DIR)
    await run('cp', ['-r', `${lab.env.CLAWPATROL_DIR}/.`, env.CLAWPATROL_DIR])
    const refused = () => run(process.execPath, [clawpatrol, 'run', '--', 'true'], env)
    writeFileSync(join(env.CLAWPATROL_DIR, 'api-token'), 'someone-elses-token\n')
    expectSentence(await refused(), /The gateway does not know this device any more/)
    writeFileSync(join(env.CLAWPATROL_DIR, 'config.json'), '{ not json')
    expectSentence(await refused(), /This machine has not joined a gateway: .*config\.json" is damaged/)
  })

  it('whose gateway is down runs nothing, and status names it', async () => {
    await lab.stop()
    expectSentence(await lab.run(['true']), /Cannot reach the gateway at .*: nothing listens there/)
    const status = await lab.cli(['status'])
    expect(status).toMatchObject({ code: 1, stderr: '' })
    expect(status.stdout).toMatch(/✗ gateway — .*nothing listens there/)
    const listed = await lab.cli(['device', 'list'])
    expect(listed).toMatchObject({ code: 1, stdout: '' })
    expect(listed.stderr).toMatch(/^clawpatrol: [^\n]+\nhint: [^\n]+\n$/)
    const env = await lab.cli(['env'])
    expect(env).toMatchObject({ code: 1, stdout: expect.stringMatching(/^export SSL_CERT_FILE=/m) })
  })
})
