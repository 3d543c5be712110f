import type { Duplex } from 'node:stream'
import { serialize } from 'pg-protocol'
import { ClawError } from '../../contract/errors.ts'
import { type ServerMessage, stringsOf } from './login-messages.ts'
import { md5Password } from './md5.ts'
import { type ChannelBinding, type Scram, startScram } from './scram.ts'

/** What there is to answer a server with. */
export interface Authentication {
  readonly user: string
  /** null: none is bound. */
  readonly password: string | null
  readonly isEncrypted: boolean
  /** Channel binding data; null: there is none. */
  readonly certificateHash: Buffer | null
}

/** One authentication, one server message after the other. */
export class Authenticator {
  readonly #stream: Duplex
  readonly #parts: Authentication
  #scram: Scram | null = null
  #step: 'start' | 'scram first' | 'scram final' | 'proved' | 'sent' = 'start'

  constructor(stream: Duplex, parts: Authentication) {
    this.#stream = stream
    this.#parts = parts
  }

  /**
   * Answers an Authentication message; true: the server is content.
   * @throws ClawError CP_UPSTREAM for a method that is refused, or a server that does not prove itself; CP_SECRET
   *   when there is no password to give
   */
  async answer({ body }: ServerMessage): Promise<boolean> {
    if (body.length < 4) throw malformed()
    const rest = body.subarray(4)
    const code = body.readUInt32BE(0)
    switch (code) {
      case 0:
        // a server that skips its proof does not know the password
        if (this.#step === 'scram first' || this.#step === 'scram final') throw malformed()
        return true
      case 3:
        this.#begin('sent')
        if (!this.#parts.isEncrypted)
          throw refused('the server asks for the password in clear text, and the connection is not encrypted')
        this.#stream.write(serialize.password(this.#password()))
        return false
      case 5:
        this.#begin('sent')
        if (rest.length !== 4) throw malformed()
        this.#stream.write(serialize.password(md5Password(this.#parts.user, this.#password(), rest)))
        return false
      case 10:
        this.#begin('scram first')
        this.#startScram(stringsOf(rest))
        return false
      case 11:
        await this.#continueScram(rest)
        return false
      case 12:
        if (this.#scram === null || this.#step !== 'scram final') throw malformed()
        this.#scram.verify(rest.toString('utf8'))
        this.#step = 'proved'
        return false
      default:
        throw refused(`the server asks for ${methods[code] ?? 'an unknown method'}, which is refused`)
    }
  }

  #begin(step: 'sent' | 'scram first'): void {
    if (this.#step !== 'start') throw refused('the server asks to authenticate twice')
    this.#step = step
  }

  #startScram(mechanisms: readonly string[]): void {
    const isOffered = mechanisms.includes('SCRAM-SHA-256-PLUS')
    if (!isOffered && !mechanisms.includes('SCRAM-SHA-256'))
      throw refused('the server offers no SCRAM mechanism that is known')
    const binding = bindingOf(this.#parts, isOffered)
    if (binding.kind === 'none' && !mechanisms.includes('SCRAM-SHA-256'))
      throw refused('the server wants channel binding, and its certificate has no hash to bind to')
    this.#scram = startScram(this.#password(), binding)
    const { mechanism, clientFirst } = this.#scram
    this.#stream.write(serialize.sendSASLInitialResponseMessage(mechanism, clientFirst))
  }

  async #continueScram(message: Buffer): Promise<void> {
    if (this.#scram === null || this.#step !== 'scram first') throw malformed()
    const answer = await this.#scram.answer(message.toString('utf8'))
    this.#step = 'scram final'
    this.#stream.write(serialize.sendSCRAMClientFinalMessage(answer))
  }

  #password(): string {
    const { password } = this.#parts
    if (password === null)
      throw new ClawError('CP_SECRET', 'the server asks for a password, and no postgres_credential is bound', {
        hint: 'ask the operator to bind a postgres_credential to the endpoint',
      })
    if (password.includes('\0')) throw new ClawError('CP_SECRET', 'the password has a NUL in it')
    return password
  }
}

/** Names of methods that are not spoken, by their code. */
const methods: { readonly [code: number]: string } = {
  2: 'Kerberos',
  6: 'SCM credentials',
  7: 'GSSAPI',
  8: 'GSSAPI',
  9: 'SSPI',
}

function bindingOf({ certificateHash }: Authentication, isOffered: boolean): ChannelBinding {
  if (certificateHash === null) return { kind: 'none' }
  return isOffered ? { kind: 'tls-server-end-point', hash: certificateHash } : { kind: 'not_offered' }
}

function malformed(): ClawError {
  return refused('the server broke the rules of authentication')
}

function refused(message: string): ClawError {
  return new ClawError('CP_UPSTREAM', message)
}
