import { describe, expect, it } from 'vitest'
import { AddressBook } from './address-book.ts'
import type { Resolution } from './resolver.ts'

const minute = 60_000
const found = (addresses: readonly string[], ttlS?: number): Resolution =>
  ttlS === undefined ? { kind: 'found', addresses } : { kind: 'found', addresses, ttlS }
const failed: Resolution = { kind: 'failed' }

/** A book over a table that a test changes, on a clock that it turns. */
function startBook(names: readonly string[], zone: { [name: string]: Resolution }) {
  const clock = { now: 0 }
  const asked: string[] = []
  const book = new AddressBook({
    now: () => clock.now,
    resolver: {
      resolve: (name, family) => {
        asked.push(`${name}/${family}`)
        const answer = zone[name] ?? { kind: 'no_name' }
        if (answer.kind !== 'found') return Promise.resolve(answer)
        const own = answer.addresses.filter((address) => address.includes(':') === (family === 6))
        return Promise.resolve(own.length === 0 ? { kind: 'no_data' } : { ...answer, addresses: own })
      },
    },
  })
  book.update(names)
  const pass = async (ms: number) => {
    clock.now += ms
    asked.splice(0)
    await book.refresh()
  }
  return { book, asked, pass, zone }
}

const db = 'db.example'

describe('AddressBook', () => {
  it('knows a name by each of its addresses, whatever they are written like', async () => {
    const { book, pass } = startBook([db], { [db]: found(['10.0.0.5', '10.0.0.6', '2001:DB8:0::5']) })
    expect(book.locate('10.0.0.5')).toEqual({ names: [], unknown: new Set([db]) })
    await pass(0)
    for (const address of ['10.0.0.5', '10.0.0.6', '2001:db8::5'])
      expect(book.locate(address)).toEqual({ names: [db], unknown: new Set() })
    expect(book.locate('10.0.0.7').names).toEqual([])
  })

  it('knows a name by an address that carries its own', async () => {
    const { book, pass } = startBook([db], { [db]: found(['192.0.2.5']) })
    await pass(0)
    expect(book.locate('64:ff9b::c000:205').names).toEqual([db])
    expect(book.locate('2002:c000:205::1').names).toEqual([db])
    expect(book.locate('64:ff9b::c000:206').names).toEqual([])
  })

  it('knows every name of one address', async () => {
    const { book, pass } = startBook(['a.example', 'b.example'], {
      'a.example': found(['10.0.0.5']),
      'b.example': found(['10.0.0.5']),
    })
    await pass(0)
    expect(book.locate('10.0.0.5').names).toEqual(['a.example', 'b.example'])
  })

  it.each([
    ['30 s after a shorter TTL', 1, 30_000],
    ['after the TTL', 90, 90_000],
    ['5 minutes after a longer TTL', 86_400, 5 * minute],
    ['5 minutes later without a TTL', undefined, 5 * minute],
  ])('asks again %s', async (_what, ttlS, ms) => {
    const { asked, pass } = startBook([db], { [db]: found(['10.0.0.5'], ttlS) })
    await pass(0)
    await pass(ms - 1)
    expect(asked).toEqual([])
    await pass(1)
    expect(asked).toEqual(['db.example/4', 'db.example/6'])
  })

  it('follows a name that moves, and remembers where it was for ten minutes', async () => {
    const { book, pass, zone } = startBook([db], { [db]: found(['10.0.0.5'], 30) })
    await pass(0)
    zone[db] = found(['10.0.0.6'], 30)
    await pass(30_000)
    expect(book.locate('10.0.0.6').names).toEqual([db])
    expect(book.locate('10.0.0.5').names).toEqual([db])
    await pass(10 * minute)
    expect(book.locate('10.0.0.6').names).toEqual([db])
    expect(book.locate('10.0.0.5').names).toEqual([])
  })

  it('keeps what it was told last while nobody answers, and for a day', async () => {
    const { book, pass, zone } = startBook([db], { [db]: found(['10.0.0.5'], 30) })
    await pass(0)
    zone[db] = failed
    await pass(30_000)
    await pass(20 * 60 * minute)
    expect(book.locate('10.0.0.5')).toEqual({ names: [db], unknown: new Set() })
    await pass(4 * 60 * minute)
    expect(book.locate('10.0.0.5')).toEqual({ names: [], unknown: new Set([db]) })
    zone[db] = found(['10.0.0.5'], 30)
    await pass(5_000)
    expect(book.locate('10.0.0.5')).toEqual({ names: [db], unknown: new Set() })
  })

  it('says that a name is unknown until it was answered for', async () => {
    const { book, pass, zone } = startBook([db], { [db]: failed })
    await pass(0)
    expect(book.locate('10.0.0.5').unknown).toEqual(new Set([db]))
    zone[db] = { kind: 'no_name' }
    await pass(5_000)
    expect(book.locate('10.0.0.5').unknown).toEqual(new Set())
  })

  it('takes a look-up that throws for one that failed', async () => {
    const book = new AddressBook({ resolver: { resolve: () => Promise.reject(new Error('broken')) } })
    book.update([db])
    await book.refresh()
    expect(book.locate('10.0.0.5').unknown).toEqual(new Set([db]))
  })

  it('forgets names that left the policy and keeps what it knows of the others', async () => {
    const { book, pass, zone } = startBook([db, 'gone.example'], {
      [db]: found(['10.0.0.5']),
      'gone.example': found(['10.0.0.9']),
    })
    await pass(0)
    zone[db] = failed
    book.update([db, 'new.example'])
    expect(book.locate('10.0.0.5')).toEqual({ names: [db], unknown: new Set(['new.example']) })
    expect(book.locate('10.0.0.9').names).toEqual([])
  })

  it('does not take over the answer for a name that left meanwhile', async () => {
    let resolve: (found: Resolution) => void = () => undefined
    const answer = new Promise<Resolution>((done) => {
      resolve = done
    })
    const book = new AddressBook({ resolver: { resolve: () => answer } })
    book.update([db])
    const asking = book.refresh()
    book.update([])
    book.update([db])
    resolve(found(['10.0.0.5']))
    await asking
    expect(book.locate('10.0.0.5')).toEqual({ names: [], unknown: new Set([db]) })
  })

  it('tells of changes only', async () => {
    const { book, pass, zone } = startBook([db], { [db]: found(['10.0.0.5'], 30) })
    let changes = 0
    book.start({
      changed: () => {
        changes += 1
      },
      lost: () => undefined,
    })
    await new Promise(setImmediate)
    expect(changes).toBe(1)
    await pass(30_000)
    expect(changes).toBe(1)
    zone[db] = found(['10.0.0.5', '10.0.0.6'], 30)
    await pass(30_000)
    expect(changes).toBe(2)
    book[Symbol.dispose]()
  })

  it('tells once of a name nobody can look up, and again when it was known in between', async () => {
    const { book, pass, zone } = startBook([db, 'fine.example'], { [db]: failed, 'fine.example': found(['10.0.0.9']) })
    const lost: string[] = []
    book.start({ changed: () => undefined, lost: (name) => lost.push(name) })
    await new Promise(setImmediate)
    await pass(5_000)
    expect(lost).toEqual([db])
    zone[db] = found(['10.0.0.5'], 30)
    await pass(5_000)
    zone[db] = failed
    await pass(30_000)
    expect(lost).toEqual([db])
    await pass(24 * 60 * minute)
    expect(lost).toEqual([db, db])
    book[Symbol.dispose]()
  })

  it('asks for no more than 16 names at once, and for all of them', async () => {
    let most = 0
    let now = 0
    const names = Array.from({ length: 100 }, (_, index) => `n${index}.example`)
    const book = new AddressBook({
      resolver: {
        resolve: async (_name, family) => {
          if (family === 6) return { kind: 'no_data' }
          now += 1
          most = Math.max(most, now)
          await new Promise(setImmediate)
          now -= 1
          return found(['10.0.0.5'])
        },
      },
    })
    book.update(names)
    await book.refresh()
    expect(most).toBe(16)
    expect(book.locate('10.0.0.5')).toEqual({ names, unknown: new Set() })
  })

  it('keeps 64 addresses of a name, the newest', async () => {
    const { book, pass, zone } = startBook([db], {})
    for (let turn = 0; turn < 10; turn += 1) {
      zone[db] = found(
        Array.from({ length: 16 }, (_, index) => `10.0.${turn}.${index}`),
        30,
      )
      await pass(30_000)
    }
    expect(book.locate('10.0.9.15').names).toEqual([db])
    expect(book.locate('10.0.5.15').names).toEqual([])
  })
})
