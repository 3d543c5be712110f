/** What the helper tells about its run. `errno` is the positive number of the system. */
export type HelperReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly stage: string; readonly errno: number; readonly path: string }
  | { readonly kind: 'warned'; readonly stage: string; readonly errno: number; readonly path: string }
  | { readonly kind: 'exited'; readonly code: number; readonly signal: number }

const MAX_REPORT = 1020

/** Splits the helper's byte stream into reports: u32 length, then a letter and its values, little-endian. */
export class HelperReports {
  #pending: Buffer = Buffer.alloc(0)

  /**
   * Feed chunks of any size; a report is returned once whole.
   * @throws RangeError for a frame that netns/message.c does not write
   */
  feed(chunk: Buffer): HelperReport[] {
    this.#pending = Buffer.concat([this.#pending, chunk])
    const reports: HelperReport[] = []
    while (this.#pending.length >= 4) {
      const size = this.#pending.readUInt32LE(0)
      if (size === 0 || size > MAX_REPORT) throw new RangeError(`Cannot read a helper report of ${size} bytes`)
      if (this.#pending.length < 4 + size) break
      reports.push(decodeReport(this.#pending.subarray(4, 4 + size)))
      this.#pending = this.#pending.subarray(4 + size)
    }
    return reports
  }
}

function decodeReport(body: Buffer): HelperReport {
  const letter = String.fromCharCode(body.readUInt8(0))
  if (letter === 'R') return { kind: 'ready' }
  if (letter === 'X') return { kind: 'exited', code: body.readUInt32LE(1), signal: body.readUInt32LE(5) }
  if (letter === 'E') return { kind: 'failed', ...decodeTrouble(body) }
  if (letter === 'W') return { kind: 'warned', ...decodeTrouble(body) }
  throw new RangeError(`Cannot read a helper report of kind "${letter}"`)
}

function decodeTrouble(body: Buffer): { stage: string; errno: number; path: string } {
  const errno = body.readUInt32LE(1)
  const [stage = '', path = ''] = body.toString('utf8', 5).split('\0')
  return { stage, errno, path }
}
