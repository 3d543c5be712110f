import { Duplex } from 'node:stream'

/** A connection whose other side is the test: what is fed arrives, what is written is kept. */
export class TestConnection extends Duplex {
  /** Everything written so far, in pieces as they were written. */
  readonly written: Buffer[] = []
  isEnded = false

  constructor() {
    super({ allowHalfOpen: true, decodeStrings: true })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk)
    done()
  }

  override _final(done: () => void): void {
    this.isEnded = true
    done()
  }

  get text(): string {
    return Buffer.concat(this.written).toString('latin1')
  }

  /** Lets bytes arrive, and whatever they cause happen. */
  async feed(bytes: Buffer | string): Promise<void> {
    this.push(bytes)
    await turn()
  }
}

/** Resolves once everything that is ready has run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
