import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { reasonOf } from './load.ts'

/** Replaces `<<file:NAME>>` in strings and remembers what was read. */
export interface FileMarkers {
  /** @returns the text with every marker replaced, or what is wrong in words */
  expand(text: string): { readonly text: string } | { readonly problem: string }
  /** Files read so far, by path, for the revision and for watching. */
  readonly read: ReadonlyMap<string, Buffer>
}

const opening = '<<file:'
const closing = '>>'
const mostBytes = 1024 * 1024

/** @param directory what relative names start from */
export function fileMarkers(directory: string): FileMarkers {
  const read = new Map<string, Buffer>()
  const expand = (text: string, within: readonly string[]): string => {
    let result = ''
    let rest = 0
    for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, rest)) {
      const end = text.indexOf(closing, at + opening.length)
      if (end < 0) throw new MarkerProblem(`the marker ${JSON.stringify(text.slice(at, at + 40))} has no closing >>`)
      const name = text.slice(at + opening.length, end)
      const path = isAbsolute(name) ? name : join(directory, name)
      if (within.includes(path)) throw new MarkerProblem(`${name} includes itself`)
      if (result.length > mostBytes) throw new MarkerProblem(`what <<file:…>> brings in exceeds ${mostBytes} bytes`)
      const content = readOnce(read, path, name)
      result += text.slice(rest, at) + expand(content, [...within, path])
      rest = end + closing.length
    }
    return result + text.slice(rest)
  }
  return {
    read,
    expand: (text) => {
      try {
        return { text: expand(text, []) }
      } catch (error) {
        if (error instanceof MarkerProblem) return { problem: error.message }
        throw error
      }
    },
  }
}

class MarkerProblem extends Error {}

function readOnce(read: Map<string, Buffer>, path: string, name: string): string {
  const known = read.get(path)
  if (known !== undefined) return known.toString('utf8')
  if (name === '') throw new MarkerProblem('the marker <<file:>> names no file')
  try {
    const found = statSync(path)
    if (!found.isFile()) throw new MarkerProblem(`cannot read ${path}: not a file`)
    if (found.size > mostBytes) throw new MarkerProblem(`cannot read ${path}: larger than ${mostBytes} bytes`)
    const bytes = readFileSync(path)
    read.set(path, bytes)
    return bytes.toString('utf8')
  } catch (error) {
    if (error instanceof MarkerProblem) throw error
    throw new MarkerProblem(`cannot read ${path}: ${reasonOf(error)}`)
  }
}
