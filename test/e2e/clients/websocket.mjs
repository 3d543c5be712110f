// A WebSocket client: sends two text messages and one binary of 100,000 bytes, prints what comes back.
import { readFileSync } from 'node:fs'
import WebSocket from 'ws'

const socket = new WebSocket(process.argv[2], {
  ca: readFileSync(process.env.SSL_CERT_FILE),
  headers: { authorization: `Bearer ${process.env.AGENT_TOKEN ?? ''}` },
})
let left = 3
socket.on('open', () => {
  socket.send('hello')
  socket.send('again')
  socket.send(Buffer.alloc(100_000, 7))
})
socket.on('message', (data, isBinary) => {
  process.stdout.write(isBinary ? `binary ${data.length}\n` : `text ${data}\n`)
  left -= 1
  if (left === 0) socket.close(1000)
})
socket.on('close', (code) => process.stdout.write(`closed ${code}\n`))
socket.on('unexpected-response', (_request, response) => process.stdout.write(`refused ${response.statusCode}\n`))
socket.on('error', (error) => process.stdout.write(`error ${error.message}\n`))
