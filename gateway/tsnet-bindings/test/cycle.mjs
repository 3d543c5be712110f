// One life of a process that uses the binding: transports under load while worker threads start child processes.
// Prints what is left of descriptors and flows, and exits in one of several ways; argv[2] says which.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { connect, createServer, Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { generateKey, startLoopback, startWireguard } from '../dist/index.js'

const [ending = 'natural', flowsText = '300'] = process.argv.slice(2)
const descriptors = () => readdirSync('/proc/self/fd').length
const handlers = {
  flow: async (flow) => {
    if (flow.to.port === 1) {
      const socket = new Socket({ fd: await flow.take(), readable: true, writable: true })
      socket.on('error', () => {}).pipe(socket)
    } else await flow.relay(upstream, 1000)
  },
  datagrams: (datagrams) => datagrams.drop(),
  query: () => {},
}
const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
await new Promise((resolve) => echo.listen(0, '127.0.0.1', resolve))
const upstream = { host: '127.0.0.1', port: echo.address().port }
const wireguard = await startWireguard({ privateKey: generateKey(), listenPort: 0, mtu: 1420 }, handlers)
const door = (port) => ({ from: '10.0.0.2', to: { host: '192.0.2.1', port } })
const { transport, ports } = await startLoopback([door(1), door(2)], handlers)
const spawning = `
  const { execFileSync } = require('node:child_process')
  for (let i = 0; i < 6; i += 1) execFileSync('true')
`
const workers = [1, 2, 3].map(
  () => new Promise((resolve) => new Worker(spawning, { eval: true }).once('exit', resolve)),
)

const ask = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('x'))
    socket.on('data', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', resolve)
  })
/** Opens and closes so many flows, then waits until the binding has forgotten them. */
async function load(count) {
  for (let done = 0; done < count; done += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => ask(ports[index % 2])))
    if (done % 100 === 0) execFileSync('true')
  }
  for (let tries = 0; tries < 100 && transport.stats().flows > 0; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  globalThis.gc?.()
  return { fds: descriptors(), rss: process.memoryUsage.rss() }
}

// the first half fills pools and compiles code: what comes on top of it would be a leak
const half = Number(flowsText) / 2
const before = await load(half)
const after = await load(half)
await Promise.all(workers)
process.stdout.write(
  `${JSON.stringify({
    flows: transport.stats().flows,
    accepted: transport.stats().accepted,
    fds: after.fds - before.fds,
    rssMb: Math.round((after.rss - before.rss) / 1e6),
  })}\n`,
)
if (ending === 'exit') process.exit(7)
if (ending === 'signal') process.kill(process.pid, 'SIGTERM')
else {
  echo.close()
  await transport.close()
  await wireguard.close()
}
