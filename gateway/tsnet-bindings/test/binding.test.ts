import { execFile } from 'node:child_process'
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { closeFd, dial, generateKey, publicKey, receiveFd, socketpair, startWireguard, tunnelMtu } from '../index.ts'

const compiled = fileURLToPath(new URL('../dist/index.js', import.meta.url))

/** Runs a program of its own, so that what it does to the process stays there. */
function node(program: string): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--input-type=module', '-e', program], (_error, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    )
  })
}

describe('the binding', () => {
  it('belongs to the first thread that uses it; another one is told so', async () => {
    const { out, err } = await node(`
      import { Worker } from 'node:worker_threads'
      import { closeFd, socketpair } from ${JSON.stringify(compiled)}
      for (const fd of socketpair()) closeFd(fd)
      const worker = new Worker(\`
        import(${JSON.stringify(compiled)}).then(({ socketpair }) => socketpair()).catch((error) => {
          console.log(error.code, error.message)
        })
      \`, { eval: true })
      worker.once('exit', () => process.stdout.write('main goes on ' + socketpair().length))
    `)
    expect(err).toBe('')
    expect(out).toContain('EBUSY tsnet-bindings is in use by another thread')
    expect(out).toContain('main goes on 2')
  })

  it('keeps the process alive for an answer, and no longer', async () => {
    const begun = performance.now()
    const { code, out } = await node(`
      import { dial } from ${JSON.stringify(compiled)}
      process.stdout.write(await dial({ host: '127.0.0.1', port: 1 }, 1000).catch((error) => error.message))
    `)
    expect({ code, out }).toEqual({ code: 0, out: 'connection refused' })
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})

describe('sockets', () => {
  it('come in connected pairs that children do not inherit', () => {
    const [left, right] = socketpair()
    writeSync(left, 'hello')
    const bytes = Buffer.alloc(5)
    readSync(right, bytes)
    expect(bytes.toString()).toBe('hello')
    expect(fstatSync(left).isSocket()).toBe(true)
    closeFd(left)
    closeFd(right)
  })

  it('are dialled with a deadline; the descriptor is the caller’s', async () => {
    const server = createServer((socket) => socket.end('hi'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const socket = new Socket({ fd: await dial({ host: '127.0.0.1', port }, 1000), readable: true, writable: true })
    const [text] = await new Promise<Buffer[]>((resolve) => socket.once('data', (data) => resolve([data])))
    expect(String(text)).toBe('hi')
    socket.destroy()
    server.close()
    await expect(dial({ host: 'example.test', port: 1 }, 100)).rejects.toThrow('"example.test" is not an IP address')
    await expect(dial({ host: '127.0.0.1', port: 70_000 }, 100)).rejects.toThrow('"70000" is not a port')
  })

  it('wait for a descriptor only so long, and take nothing else for one', async () => {
    const [left, right] = socketpair()
    await expect(receiveFd(right, 50)).rejects.toThrow('timed out')
    writeSync(left, 'x')
    await expect(receiveFd(right, 1000)).rejects.toThrow('without one')
    closeSync(left)
    closeSync(right)
  })
})

describe('keys', () => {
  it('are X25519 (RFC 7748, section 5.2)', () => {
    const nine = Buffer.alloc(32)
    nine[0] = 9
    expect(Buffer.from(publicKey(nine.toString('base64')), 'base64').toString('hex')).toBe(
      '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079',
    )
    const key = generateKey()
    expect(Buffer.from(key, 'base64')).toHaveLength(32)
    expect(publicKey(key)).toBe(publicKey(key))
    expect(publicKey(generateKey())).not.toBe(publicKey(key))
    expect(() => publicKey('c2hvcnQ=')).toThrow('32 bytes')
  })
})

describe('a WireGuard server', () => {
  const handlers = { flow: () => {}, datagrams: () => {}, query: () => {} }

  it('names what keeps it from starting', async () => {
    const running = await startWireguard({ privateKey: generateKey(), listenPort: 0, mtu: 1420 }, handlers)
    const again = startWireguard({ privateKey: generateKey(), listenPort: running.port, mtu: 1420 }, handlers)
    await expect(again).rejects.toThrow('address already in use')
    await expect(startWireguard({ privateKey: 'no', listenPort: 0, mtu: 1420 }, handlers)).rejects.toThrow('32 bytes')
    await running.close()
    await running.close()
    expect(running.stats()).toMatchObject({ flows: 0 })
  })
})

describe('tunnelMtu()', () => {
  it('leaves room for WireGuard on the path, within limits', () => {
    expect(tunnelMtu('127.0.0.1:51820', 1420)).toBe(8920)
    expect(tunnelMtu('[::1]:51820', 1420)).toBe(8920)
    expect(tunnelMtu('not an endpoint', 1420)).toBe(1420)
  })
})
