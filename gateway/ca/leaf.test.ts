import { execFileSync, spawn } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Certificate } from '../../workers/contract/messages.ts'
import { LeafMint } from './leaf.ts'
import { openRoot, type Root } from './root.ts'

const day = 24 * 3_600_000
const dir = mkdtempSync(join(tmpdir(), 'clawpatrol-ca-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** The vault's part: a key made once. */
function ownKeys() {
  const keys = new Map<string, string>()
  return {
    ownKey(name: string, make: () => string) {
      const key = keys.get(name) ?? make()
      keys.set(name, key)
      return key
    },
  }
}

function aRoot(now?: () => number): Promise<Root> {
  return openRoot(ownKeys(), now)
}

function leafOf({ chain }: Certificate): X509Certificate {
  return new X509Certificate(chain)
}

async function finished(command: string, args: readonly string[]): Promise<{ code: number; out: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      out += chunk
    })
  const [code] = await once(child, 'close')
  return { code: code as number, out }
}

describe('LeafMint', () => {
  it('makes a leaf for 30 days, signed by the authority, with the key that belongs to it', async () => {
    const now = Date.UTC(2026, 10, 21)
    const root = await aRoot(() => now)
    const made = await new LeafMint(root, { now: () => now }).certificate('API.Example.com.')
    const leaf = leafOf(made)
    const authority = new X509Certificate(root.certificatePem)
    expect(leaf.subject).toBe('CN=api.example.com')
    expect(leaf.subjectAltName).toBe('DNS:api.example.com')
    expect(leaf.checkIssued(authority) && leaf.verify(authority.publicKey)).toBe(true)
    expect(leaf.checkPrivateKey(createPrivateKey(made.key))).toBe(true)
    expect(leaf.ca).toBe(false)
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect([Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]).toEqual([now - 3_600_000, now + 30 * day])
    expect(made.renewAt).toBe(now + 29 * day)
    expect(made.chain.endsWith(root.certificatePem)).toBe(true)
  })

  it('is for addresses, too, and for names too long for a common name', async () => {
    const mint = new LeafMint(await aRoot())
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
    const names = await Promise.all(
      ['192.0.2.7', '2001:DB8:0::7', '[::1]', long].map(async (name) => leafOf(await mint.certificate(name))),
    )
    expect(names.map(({ subjectAltName }) => subjectAltName)).toEqual([
      'IP Address:192.0.2.7',
      'IP Address:2001:DB8:0:0:0:0:0:7',
      'IP Address:0:0:0:0:0:0:0:1',
      `DNS:${long}`,
    ])
    expect(names.map(({ subject }) => subject ?? '')).toEqual(['CN=192.0.2.7', 'CN=2001:db8::7', 'CN=::1', ''])
  })

  it('refuses whatever is no host name, and never puts it into a certificate', async () => {
    const mint = new LeafMint(await aRoot())
    const wrong = ['', '.', 'a..b', '-a.b', '*.example.com', 'a b', 'a\0.example.com', 'a/b', '1.2.3', '999.1.1.1']
    for (const name of [...wrong, 'ä.example', `${'a'.repeat(64)}.b`, `${'a.'.repeat(127)}b`, 'fe80::1%eth0'])
      await expect(mint.certificate(name)).rejects.toMatchObject({ code: 'CP_TLS' })
    expect(mint.stats()).toEqual({ kept: 0, minted: 0 })
  })

  it('makes a readable certificate for exactly the asked name, or refuses, for any text', async () => {
    const root = await aRoot()
    const mint = new LeafMint(root)
    const authority = new X509Certificate(root.certificatePem).publicKey
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.domain(), fc.ipV4(), fc.ipV6())
    await fc.assert(
      fc.asyncProperty(text, async (name) => {
        const made = await mint.certificate(name).catch((error: { code?: string }) => error.code)
        if (typeof made === 'string' || made === undefined) {
          expect(made).toBe('CP_TLS')
          return
        }
        const leaf = leafOf(made)
        expect(leaf.verify(authority)).toBe(true)
        const bare = name.replace(/\.$/, '')
        expect(leaf.checkHost(bare) ?? leaf.checkIP(bare)).toBeDefined()
      }),
      { numRuns: 150 },
    )
  })

  it('keeps certificates until a day before their end, makes them anew then and after a clock set back', async () => {
    let now = Date.UTC(2026, 10, 21)
    const mint = new LeafMint(await aRoot(() => now), { now: () => now })
    const first = await mint.certificate('a.example')
    now += 29 * day - 1
    expect(await mint.certificate('A.example')).toBe(first)
    now += 1
    const second = await mint.certificate('a.example')
    expect(second).not.toBe(first)
    expect(leafOf(second).serialNumber).not.toBe(leafOf(first).serialNumber)
    now -= 20 * day
    expect(Date.parse(leafOf(await mint.certificate('a.example')).validFrom)).toBeLessThan(now)
    expect(mint.stats()).toEqual({ kept: 1, minted: 3 })
  })

  it('keeps a bounded number and forgets the least recently used', async () => {
    const mint = new LeafMint(await aRoot(), { most: 3 })
    const first = await mint.certificate('a.example')
    for (const name of ['b', 'c']) await mint.certificate(`${name}.example`)
    expect(await mint.certificate('a.example')).toBe(first)
    await mint.certificate('d.example')
    expect(mint.stats()).toEqual({ kept: 3, minted: 4 })
    expect(await mint.certificate('a.example')).toBe(first)
    await mint.certificate('b.example')
    expect(mint.stats().minted).toBe(5)
  })

  it('lets no leaf outlive the authority', async () => {
    let now = Date.UTC(2026, 10, 21)
    const root = await aRoot(() => now)
    now = root.notAfter.getTime() - 5 * day
    const made = await new LeafMint(root, { now: () => now }).certificate('a.example')
    expect(Date.parse(leafOf(made).validTo)).toBe(root.notAfter.getTime())
  })

  it('writes dates from 2050 on in the long form', async () => {
    const now = () => Date.UTC(2049, 11, 20)
    const leaf = leafOf(await new LeafMint(await aRoot(now), { now }).certificate('a.example'))
    expect(new Date(leaf.validTo).toISOString()).toBe('2050-01-19T00:00:00.000Z')
  })
})

describe('certificates in other programs', () => {
  it('openssl finds nothing wrong with them in strict mode', async () => {
    const root = await aRoot()
    const mint = new LeafMint(root)
    const ca = join(dir, 'strict-ca.pem')
    writeFileSync(ca, root.certificatePem)
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
    for (const [name, check] of [
      ['api.example.com', '-verify_hostname'],
      [long, '-verify_hostname'],
      ['192.0.2.7', '-verify_ip'],
      ['2001:db8::7', '-verify_ip'],
    ] as const) {
      const leaf = join(dir, 'strict-leaf.pem')
      writeFileSync(leaf, (await mint.certificate(name)).chain)
      const args = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', ca, check, name, leaf]
      expect(execFileSync('openssl', args, { encoding: 'utf8' })).toBe(`${leaf}: OK\n`)
    }
  })

  it('curl and strict Python accept the gateway for its name and refuse it for another', async () => {
    const root = await aRoot()
    const { key, chain } = await new LeafMint(root).certificate('api.example.com')
    const server = createServer({ key, cert: chain }, (socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ca = join(dir, 'clients-ca.pem')
    writeFileSync(ca, root.certificatePem)
    const curl = (name: string) =>
      finished('curl', [
        '-sS',
        '-m',
        '10',
        '--cacert',
        ca,
        '--resolve',
        `${name}:${port}:127.0.0.1`,
        `https://${name}:${port}/`,
      ])
    expect(await curl('api.example.com')).toEqual({ code: 0, out: 'ok' })
    expect((await curl('other.example.com')).code).toBe(60)
    const python = (name: string) =>
      finished('python3', [
        '-c',
        [
          'import socket, ssl, sys',
          'context = ssl.create_default_context(cafile=sys.argv[1])',
          // what Python 3.13 does by default
          'context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN',
          'with socket.create_connection(("127.0.0.1", int(sys.argv[2])), 10) as raw:',
          '  with context.wrap_socket(raw, server_hostname=sys.argv[3]) as tls: print(tls.version())',
        ].join('\n'),
        ca,
        String(port),
        name,
      ])
    expect(await python('api.example.com')).toEqual({ code: 0, out: 'TLSv1.3\n' })
    expect((await python('other.example.com')).out).toMatch(/Hostname mismatch/)
    server.close()
  })
})
