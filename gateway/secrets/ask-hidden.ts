import type { ReadStream } from 'node:tty'
import { ClawError } from '../../workers/contract/errors.ts'
import { longestSecret } from './environment.ts'

/**
 * Asks a person at the terminal; what is typed is not shown.
 * @throws ClawError CP_CANCELLED on control-C, CP_SECRET when there is no terminal
 */
export function askHidden(question: string, input: ReadStream = process.stdin): Promise<string> {
  if (!input.isTTY)
    return Promise.reject(new ClawError('CP_SECRET', 'Cannot ask for a secret: standard input is no terminal'))
  return new Promise((resolve, reject) => {
    let text = ''
    const wasRaw = input.isRaw
    const finish = (end: () => void) => {
      input.off('data', take).off('end', ended)
      input.setRawMode(wasRaw)
      input.pause()
      process.stderr.write('\n')
      end()
    }
    const cancel = () => reject(new ClawError('CP_CANCELLED', 'Nothing is stored: the question was cancelled'))
    const ended = () => finish(cancel)
    const take = (chunk: string) => {
      for (const key of chunk) {
        if (key === '\u0003' || text.length > longestSecret) return finish(cancel)
        if (key === '\r' || key === '\n' || key === '\u0004') return finish(() => resolve(text))
        text = key === '\u007f' || key === '\b' ? text.slice(0, -1) : text + key
      }
    }
    // before the question: whoever answers at once must not see it echoed
    input.setRawMode(true)
    process.stderr.write(question)
    input.setEncoding('utf8').on('data', take).on('end', ended).resume()
  })
}

/**
 * Reads standard input to its end, without one final line end.
 * @throws ClawError CP_SECRET beyond 1 MiB
 */
export async function readSecretInput(input: AsyncIterable<Uint8Array | string> = process.stdin): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of input) {
    const bytes = Buffer.from(part)
    length += bytes.length
    if (length > longestSecret) throw new ClawError('CP_SECRET', 'Cannot read the secret: it is longer than 1 MiB')
    parts.push(bytes)
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}
