/** Why a zstd body cannot be had. */
export type ZstdProblem = 'malformed' | 'too-long'

/** Ends the decoding of one body; `decodeZstd` turns it into a value. */
export class ZstdFault extends Error {
  readonly problem: ZstdProblem

  constructor(problem: ZstdProblem, found: string) {
    super(`Cannot decode zstd: ${found}`)
    this.name = 'ZstdFault'
    this.problem = problem
  }
}

/** Makes the fault of bytes that break the format. */
export function malformed(found: string): ZstdFault {
  return new ZstdFault('malformed', found)
}
