import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { message, messagesIn } from './backend.fixture.ts'
import { errorParts } from './backend.ts'

/** An agent that writes its messages itself. */
export class RawAgent {
  readonly socket: net.Socket
  /** What is under its TLS; without TLS the same. */
  readonly raw: net.Socket
  #got = Buffer.alloc(0)
  bytes = 0
  isForgetful = false

  /** @param hasTls from the first byte on; it takes any certificate */
  constructor(port: number, hasTls = false) {
    this.raw = net.connect(port, '127.0.0.1')
    this.raw.on('error', () => undefined)
    const secured = { socket: this.raw, ALPNProtocols: ['postgresql'], rejectUnauthorized: false }
    this.socket = hasTls ? tls.connect(secured) : this.raw
    this.socket.on('error', () => undefined)
    this.socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      if (!this.isForgetful) this.#got = Buffer.concat([this.#got, chunk])
    })
    const parameters = Buffer.from('\0\x03\0\0user\0postgres\0client_encoding\0UTF8\0\0', 'latin1')
    const length = Buffer.alloc(4)
    length.writeInt32BE(parameters.length + 4)
    this.socket.write(Buffer.concat([length, parameters]))
  }

  /** Letters of the answers up to so many ReadyForQuery, errors with their code, the last with its status. */
  async answers(ready: number): Promise<string> {
    for (;;) {
      const whole = wholeMessages(this.#got)
      const ends = whole.filter((each) => each[0] === 0x5a).length
      if (ends >= ready || this.socket.closed) {
        this.#got = this.#got.subarray(Buffer.concat(whole).length)
        return whole.map(meaningOf).filter(Boolean).join(' ')
      }
      await this.#more()
    }
  }

  /** Resolves when something came, or nothing will any more. */
  #more(): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        this.socket.off('data', go).off('close', go)
        resolve()
      }
      this.socket.on('data', go).on('close', go)
    })
  }

  send(...messages: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(messages))
  }

  /** Sends all of it as fast as it is taken. */
  async pour(chunk: Buffer, times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) if (!this.socket.write(chunk)) await once(this.socket, 'drain')
  }
}

function wholeMessages(bytes: Buffer): Buffer[] {
  let end = 0
  while (end + 5 <= bytes.length && end + 1 + bytes.readInt32BE(end + 1) <= bytes.length)
    end += 1 + bytes.readInt32BE(end + 1)
  return messagesIn(bytes.subarray(0, end))
}

function meaningOf(answer: Buffer): string {
  const letter = String.fromCharCode(answer[0] ?? 0)
  if (/[SKRN]/.test(letter)) return ''
  if (letter === 'E') return `E${errorParts(answer.subarray(5)).code}`
  return letter === 'Z' ? `Z${answer.toString('latin1', 5)}` : letter
}

/** A Query. */
export const query = (text: string) => message('Q', `${text}\0`)
/** A Parse without types of parameters. */
export const parse = (text: string, name = '') => message('P', `${name}\0${text}\0\0\0`)
/** A Bind of no parameters to the unnamed portal. */
export const bind = (name = '') => message('B', `\0${name}\0\0\0\0\0\0\0`)
/** An Execute of the unnamed portal. */
export const execute = message('E', '\0\0\0\0\0')
/** A Sync. */
export const sync = message('S')
