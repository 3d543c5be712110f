// Answers DNS queries from a table: `node names.mjs 198.18.0.1 53 other.example.test=198.51.100.7,2001:db8::7`.
import { createSocket } from 'node:dgram'
import { decode, encode } from 'dns-packet'

const [address, port, ...entries] = process.argv.slice(2)
const table = new Map(entries.map((entry) => [entry.split('=')[0], entry.split('=')[1].split(',')]))
const socket = createSocket('udp4')
socket.on('message', (message, from) => {
  const { id, questions } = decode(message)
  const [{ name, type }] = questions
  const found = table.get(name.toLowerCase())
  const mine = (found ?? []).filter((each) => each.includes(':') === (type === 'AAAA') && ['A', 'AAAA'].includes(type))
  const flags = (found === undefined ? 3 : 0) | (1 << 7) | (1 << 8)
  const answers = mine.map((data) => ({ type, name, ttl: 60, data }))
  socket.send(encode({ type: 'response', id, flags, questions, answers }), from.port, from.address)
})
socket.bind(Number(port), address, () => process.stdout.write('listening\n'))
