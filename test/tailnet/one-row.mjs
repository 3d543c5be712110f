// A PostgreSQL server that answers every query with one row: `node one-row.mjs 198.51.100.7 5432 'the row'`.
import { createServer } from 'node:net'

const [address, port, row] = process.argv.slice(2)
const message = (type, ...parts) => {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const int = (bytes, value) => {
  const buffer = Buffer.alloc(bytes)
  buffer.writeIntBE(value, 0, bytes)
  return buffer
}
const ready = message('Z', Buffer.from('I'))
const text = Buffer.from(row)
const column = [Buffer.from('said\0'), int(4, 0), int(2, 0), int(4, 25), int(2, -1), int(4, -1), int(2, 0)]
const result = [
  message('T', int(2, 1), ...column),
  message('D', int(2, 1), int(4, text.length), text),
  message('C', Buffer.from('SELECT 1\0')),
  ready,
]
const protocol3 = 196608
createServer((stream) => {
  let isStarted = false
  let bytes = Buffer.alloc(0)
  stream.on('error', () => undefined)
  stream.on('data', (part) => {
    bytes = Buffer.concat([bytes, part])
    for (;;) {
      const at = isStarted ? 1 : 0
      if (bytes.length < at + 4 || bytes.length < at + bytes.readInt32BE(at)) return
      const whole = bytes.subarray(0, at + bytes.readInt32BE(at))
      bytes = bytes.subarray(whole.length)
      if (isStarted && whole[0] === 'Q'.charCodeAt(0)) stream.write(Buffer.concat(result))
      if (isStarted && whole[0] === 'X'.charCodeAt(0)) stream.end()
      if (isStarted) continue
      isStarted = whole.readInt32BE(4) === protocol3
      // what asks for TLS or GSSAPI first hears no
      stream.write(isStarted ? Buffer.concat([message('R', int(4, 0)), ready]) : 'N')
    }
  })
}).listen(Number(port), address, () => process.stdout.write('listening\n'))
