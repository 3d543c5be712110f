// Passes TCP connections on while it runs: `node door.mjs 10.99.0.1 4000 198.18.0.1:41234`.
import { connect, createServer } from 'node:net'

const [address, port, behind] = process.argv.slice(2)
const [behindHost, behindPort] = behind.split(':')
createServer((outer) => {
  const inner = connect(Number(behindPort), behindHost)
  for (const stream of [outer, inner]) stream.on('error', () => undefined)
  outer.pipe(inner).on('close', () => outer.destroy())
  inner.pipe(outer).on('close', () => inner.destroy())
}).listen(Number(port), address, () => process.stdout.write('open\n'))
