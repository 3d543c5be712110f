import { describe, expect, it } from 'vitest'
import type { ClawError } from '../../contract/errors.ts'
import { MessageWriter } from './message-writer.ts'
import { TestConnection, turn } from './stream.fixture.ts'

function writer(length: number | 'chunked' | null) {
  const socket = new TestConnection()
  const ends: (ClawError | null)[] = []
  return { socket, ends, sink: new MessageWriter(socket, 'HEAD\r\n\r\n', length, (error) => ends.push(error)) }
}

describe('MessageWriter', () => {
  it('writes a head at once where no body comes', async () => {
    const { socket } = writer(5)
    await turn()
    expect(socket.text).toBe('HEAD\r\n\r\n')
  })

  it('joins small pieces and passes large ones on as they are', async () => {
    const { socket, sink, ends } = writer('chunked')
    const large = Buffer.alloc(100_000, 'x')
    sink.write(Buffer.from('a'))
    sink.write(large)
    sink.end(null)
    await turn()
    expect(socket.text).toBe(`HEAD\r\n\r\n1\r\na\r\n186a0\r\n${large.toString()}\r\n0\r\n\r\n`)
    expect(socket.written).toContain(large)
    expect(ends).toEqual([null])
  })

  it.each([
    ['longer', 3],
    ['shorter', 5],
  ])('breaks off a body that is %s than announced', async (_name, length) => {
    const { socket, sink, ends } = writer(length)
    sink.write(Buffer.from('abcd'))
    sink.end(null)
    await turn()
    expect(socket.destroyed).toBe(true)
    expect(ends).toMatchObject([{ code: 'CP_PROTOCOL' }])
  })
})
