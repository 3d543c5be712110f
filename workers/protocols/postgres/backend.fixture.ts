import { readBind } from './bind-message.ts'
import { FrontendDecoder, type FrontendMessage } from './frontend.ts'
import { errorResponse, readyForQuery, type TransactionStatus } from './respond.ts'

/** A message with this body. */
export function message(type: string, body: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(body)
  const head = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
  head.writeInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}

/** Splits bytes that are whole messages. */
export function messagesIn(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length; at += found.at(-1)?.length ?? 1)
    found.push(bytes.subarray(at, at + 1 + bytes.readInt32BE(at + 1)))
  return found
}

/**
 * Behaves as PostgreSQL does in what matters to a relay: skipping after errors, transaction status, names, COPY.
 * Statements: `select …`, one with `/0` fails, `begin`, `rollback`, `commit`, `copy t from stdin`, `select many` with three
 * rows; one with `drop` is answered as a gateway answers what it denies.
 */
export class ModelBackend {
  readonly #decoder = new FrontendDecoder()
  readonly #statements = new Map<string, string>()
  readonly #portals = new Map<string, { readonly text: string; readonly isDenied: boolean }>()
  readonly seen: string[] = []
  #status: TransactionStatus = 'I'
  #isSkipping = false
  readonly #isGuarded: boolean
  /** What goes on when the data of a COPY ends. */
  #afterCopy: ((isWhole: boolean) => Buffer[]) | null = null

  /** @param isGuarded whether it denies by itself what has a parameter 2, and ends what gives more than two rows */
  constructor(isGuarded = false) {
    this.#isGuarded = isGuarded
  }

  /** What it answers to these bytes. */
  answer(bytes: Buffer): Buffer {
    this.#decoder.push(bytes)
    const answers: Buffer[] = []
    for (let next = this.#decoder.next(); next !== null; next = this.#decoder.next())
      answers.push(...this.#answer(next))
    return Buffer.concat(answers)
  }

  #answer(sent: FrontendMessage): Buffer[] {
    const { type, held } = sent
    const letter = String.fromCharCode(type)
    const words = held.subarray(5).toString('latin1').split('\0')
    if (this.#afterCopy !== null) return this.#copy(letter)
    if (letter === 'S') {
      this.#isSkipping = false
      return this.#ready()
    }
    if (this.#isSkipping || /[dcfHX]/.test(letter)) return []
    const [first = '', second = ''] = words
    switch (letter) {
      case 'Q':
        return this.#query(first)
      case 'P':
        return this.#parse(first, second)
      case 'B': {
        const text = this.#statements.get(second)
        if (text === undefined) return this.#fail('26000')
        if (first !== '' && this.#portals.has(first)) return this.#fail('42P03')
        if (this.#isAborted(text)) return this.#fail('25P02')
        const isTwo = readBind(sent).values?.[0]?.bytes?.toString() === '2'
        this.#portals.set(first, { text, isDenied: this.#isGuarded && isTwo })
        return [message('2')]
      }
      case 'D': {
        const names = first.startsWith('S') ? this.#statements : this.#portals
        if (!names.has(first.slice(1))) return this.#fail(first.startsWith('S') ? '26000' : '34000')
        return first.startsWith('S') ? [message('t', '\0\0'), message('T', '\0\0')] : [message('n')]
      }
      case 'C':
        ;(first.startsWith('S') ? this.#statements : this.#portals).delete(first.slice(1))
        return [message('3')]
      case 'E': {
        const portal = this.#portals.get(first)
        if (portal === undefined) return this.#fail('34000')
        return portal.isDenied ? this.#fail('42501') : this.#run(portal.text, (answers) => answers)
      }
      default:
        throw new Error(`the model knows no ${letter}`)
    }
  }

  #parse(name: string, text: string): Buffer[] {
    this.seen.push(text)
    if (text.includes('drop')) return this.#fail('42501')
    if (this.#isAborted(text)) return this.#fail('25P02')
    if (name !== '' && this.#statements.has(name)) return this.#fail('42P05')
    this.#statements.set(name, text)
    return [message('1')]
  }

  #query(text: string): Buffer[] {
    this.seen.push(text)
    const end = (answers: Buffer[]) => {
      this.#isSkipping = false
      return [...answers, ...this.#ready()]
    }
    if (text.includes('drop')) return end(this.#fail('42501'))
    this.#portals.delete('')
    const statements = text.split(';').map((each) => each.trim())
    const next = (): Buffer[] => {
      const statement = statements.shift()
      if (statement === undefined) return end([])
      return this.#run(statement, (answers, isDone) => [...answers, ...(isDone ? next() : end([]))])
    }
    return next()
  }

  #run(text: string, go: (answers: Buffer[], isDone: boolean) => Buffer[]): Buffer[] {
    if (this.#isAborted(text)) return go(this.#fail('25P02'), false)
    if (text.includes('/0')) return go([message('D', '\0\0'), ...this.#fail('22012')], false)
    if (text.startsWith('copy')) {
      this.#afterCopy = (isWhole) => (isWhole ? go([message('C', 'COPY 1\0')], true) : go(this.#fail('57014'), false))
      return [message('G', '\0\0\0')]
    }
    if (text === 'begin' && this.#status === 'I') this.#status = 'T'
    if (text === 'rollback' || text === 'commit') this.#status = 'I'
    const row = message('D', '\0\0')
    if (text !== 'select many') return go([row, message('C', `${text}\0`)], true)
    return this.#isGuarded
      ? go([row, row, ...this.#fail('54000')], false)
      : go([row, row, row, message('C', 'many\0')], true)
  }

  #copy(letter: string): Buffer[] {
    const after = this.#afterCopy
    if (after === null || /[dSH]/.test(letter)) return []
    this.#afterCopy = null
    if (/[cf]/.test(letter)) return after(letter === 'c')
    return after(false)
  }

  #isAborted(text: string): boolean {
    return this.#status === 'E' && text !== 'rollback' && text !== 'commit'
  }

  #fail(code: string): Buffer[] {
    if (this.#status === 'T') this.#status = 'E'
    if (this.#status === 'I') this.#portals.clear()
    this.#isSkipping = true
    return [errorResponse(code, 'failed')]
  }

  #ready(): Buffer[] {
    if (this.#status === 'I') this.#portals.clear()
    return [readyForQuery(this.#status)]
  }
}
