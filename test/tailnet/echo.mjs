// Echoes TCP and UDP on one address and port, and says so: `node echo.mjs 203.0.113.10 7`.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const [address, port] = process.argv.slice(2)
const datagrams = createSocket(address.includes(':') ? 'udp6' : 'udp4')
datagrams.on('message', (message, from) => datagrams.send(message, from.port, from.address))
datagrams.bind(Number(port), address, () => {
  createServer((stream) => stream.on('error', () => undefined).pipe(stream)).listen(Number(port), address, () => {
    process.stdout.write(`echo on ${address} ${port}\n`)
  })
})
