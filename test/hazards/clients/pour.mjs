// Speaks PostgreSQL by itself, so that it holds nothing of what it sends and gets: HOST WAY MEBIBYTES.
// WAY: bind (one parameter), in (COPY, half a gibibyte a message), die (the same, killed once a line comes on standard
// input), out (COPY to us), late (the same, read once a line comes);
// cancel: so many requests to cancel nothing, each on a connection of its own.
import { once } from 'node:events'
import net from 'node:net'

const [, , host, way, size] = process.argv
const mebibytes = Number(size)
const line = Buffer.alloc(1 << 20, 'x')
line[line.length - 1] = 0x0a
if (way === 'cancel') {
  let closed = 0
  for (let time = 0; time < mebibytes; time += 1) {
    const brief = net.connect(5432, host)
    brief.resume().end(Buffer.from('\0\0\0\x10\x04\xd2\x16\x2e\0\x7f\xff\xff\0\0\0\0', 'latin1'))
    await once(brief, 'close')
    closed += 1
  }
  process.stdout.write(`closed ${closed}\n`)
  process.exit()
}
const socket = net.connect(5432, host)
/** Messages that were not asked for yet, without data of COPY. */
const got = []
let rows = 0
let head = Buffer.alloc(0)
let left = 0
let body = ''

socket.on('data', (data) => {
  for (let at = 0; at < data.length; ) {
    if (head.length < 5) {
      const taken = Math.min(5 - head.length, data.length - at)
      head = Buffer.concat([head, data.subarray(at, at + taken)])
      at += taken
      if (head.length < 5) return
      left = head.readInt32BE(1) - 4
      body = ''
    }
    const part = Math.min(left, data.length - at)
    if (body.length < 400) body += data.toString('latin1', at, at + Math.min(part, 400))
    left -= part
    at += part
    if (left > 0) return
    if (head[0] === 0x64) rows += 1
    else got.push([String.fromCharCode(head[0]), body])
    head = Buffer.alloc(0)
  }
  socket.emit('message')
})

/** Resolves with the body of the next message of a type. */
async function next(wanted) {
  for (;;) {
    while (got.length === 0) await once(socket, 'message')
    const [type, text] = got.shift()
    if (type === 'E') throw new Error(text.replaceAll('\0', ' '))
    if (type === wanted) return text
  }
}

function int32(value) {
  const word = Buffer.alloc(4)
  word.writeInt32BE(value)
  return word
}

function message(letter, ...parts) {
  const whole = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
  return Buffer.concat([Buffer.from(letter), int32(whole.length + 4), whole])
}

/** Sends so many mebibytes as fast as they are taken. */
async function pour(count) {
  for (let time = 0; time < count; time += 1) if (!socket.write(line)) await once(socket, 'drain')
}

const say = (text) => process.stdout.write(`${text}\n`)
const query = (text) => socket.write(message('Q', `${text}\0`))

const startup = Buffer.from('\0\x03\0\0user\0agent\0database\0postgres\0client_encoding\0UTF8\0\0', 'latin1')
socket.write(Buffer.concat([int32(startup.length + 4), startup]))
await next('Z')
if (way === 'bind') {
  const bytes = mebibytes << 20
  socket.write(message('P', '\0select length($1)\0', '\0\x01', int32(17)))
  const before = Buffer.from('\0\0\0\x01\0\x01\0\x01', 'latin1')
  socket.write(Buffer.concat([Buffer.from('B'), int32(4 + before.length + 4 + bytes + 2), before, int32(bytes)]))
  await pour(mebibytes)
  socket.write(Buffer.concat([Buffer.alloc(2), message('E', '\0', int32(0)), message('S')]))
  say(`took ${(await next('D')).slice(6)}`)
} else if (way === 'in' || way === 'die') {
  if (way === 'die') process.stdin.once('data', () => process.kill(process.pid, 'SIGKILL'))
  query('copy poured from stdin')
  await next('G')
  for (let sent = 0; sent < mebibytes; sent += 512) {
    const part = Math.min(512, mebibytes - sent)
    socket.write(Buffer.concat([Buffer.from('d'), int32(4 + (part << 20))]))
    await pour(part)
  }
  socket.write(message('c'))
  say(`took ${await next('C')}`)
} else {
  query(`copy (select repeat('y', 1048575) from generate_series(1, ${mebibytes})) to stdout`)
  if (way === 'late') {
    socket.pause()
    say('waiting')
    await once(process.stdin, 'data')
    process.stdin.destroy()
    socket.resume()
  }
  await next('C')
  say(`got ${rows}`)
}
await next('Z')
socket.end(message('X'))
