import { Duplex } from 'node:stream'
import type { NodeStream } from './node.ts'

const patienceMs = 60_000

/** A node's connection as a stream, for `tls.connect({ socket })` or `http.request({ createConnection })`. */
export function duplexOf(stream: NodeStream): Duplex {
  return new Duplex({
    read() {
      stream.read(patienceMs).then(
        (bytes) => this.push(bytes.length === 0 ? null : bytes),
        (error: Error) => this.destroy(error),
      )
    },
    write(chunk: Buffer, _encoding, done) {
      stream.write(chunk).then(() => done(), done)
    },
    final(done) {
      stream.end().then(() => done(), done)
    },
    destroy(error, done) {
      stream.close().then(
        () => done(error),
        () => done(error),
      )
    },
  })
}
