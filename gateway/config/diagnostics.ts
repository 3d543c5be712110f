import type { Place, Source } from './hcl/position.ts'
import { characters } from './hcl/position.ts'
import type { Span } from './hcl/syntax.ts'

/** One thing to fix, or to know, about a configuration. Plain data. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  /** One sentence: what was found, what is wanted. */
  readonly message: string
  /** The next thing to try; null when the message says it. */
  readonly hint: string | null
  /** null: about no place in a file (a file that cannot be read). */
  readonly place: Place | null
  /** Source lines with a caret under the place; null without a place. */
  readonly frame: string | null
  /** The other side of a conflict. */
  readonly related: readonly { readonly message: string; readonly place: Place }[]
}

/** A span of one of the files being loaded. */
export interface Spot {
  /** Index in the list of sources. */
  readonly file: number
  readonly span: Span
}

/** Where something is missing that may stand anywhere. */
export const topOfFiles: Spot = { file: 0, span: [0, 0] }

/** More about a problem than its message. */
export interface Aside {
  readonly hint?: string | undefined
  readonly related?: readonly { readonly message: string; readonly spot: Spot }[]
}

/** Collects problems of one load; nothing is thrown, nothing stops at the first. */
export interface Report {
  error(spot: Spot | null, message: string, aside?: Aside): void
  warn(spot: Spot | null, message: string, aside?: Aside): void
  hasErrors(): boolean
  /** In the order of files and places; at most 500 of each severity, then one that counts the rest. */
  problems(): Problem[]
}

/** Problems of each severity that are told; a person fixes the first ones and runs again. */
const mostTold = 500

/** Starts an empty report over the files being loaded. */
export function startReport(sources: readonly Source[]): Report {
  const found: { severity: Problem['severity']; spot: Spot | null; message: string; aside: Aside }[] = []
  const add =
    (severity: Problem['severity']) =>
    (spot: Spot | null, message: string, aside: Aside = {}) => {
      found.push({ severity, spot, message, aside })
    }
  const told = (severity: Problem['severity']): Problem[] => {
    const all = found.filter((each) => each.severity === severity)
    const first = all.slice(0, mostTold).map(({ spot, message, aside }): Problem => {
      const place = spot === null ? null : placeOf(sources, spot)
      return {
        severity,
        message,
        hint: aside.hint ?? null,
        place,
        frame: spot === null || place === null ? null : frameOf(sources[spot.file], place),
        related: (aside.related ?? []).flatMap(({ message, spot }) => {
          const place = placeOf(sources, spot)
          return place === null ? [] : [{ message, place }]
        }),
      }
    })
    if (all.length <= mostTold) return first
    const rest = `and ${all.length - mostTold} more ${severity}s`
    return [...first, { severity, message: rest, hint: null, place: null, frame: null, related: [] }]
  }
  return {
    error: add('error'),
    warn: add('warning'),
    hasErrors: () => found.some(({ severity }) => severity === 'error'),
    problems: () => {
      found.sort((a, b) => order(a.spot, b.spot))
      return [...told('error'), ...told('warning')]
    },
  }
}

/** A problem about no place in a file. */
export function plainProblem(message: string, hint: string | null = null): Problem {
  return { severity: 'error', message, hint, place: null, frame: null, related: [] }
}

/** `file:line:column`, as editors and terminals link it. */
function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`
}

/** A problem as people read it: place, message, code frame, hint. */
export function formatProblem({ severity, message, hint, place, frame, related }: Problem): string {
  const head = `${place === null ? '' : `${placeText(place)}: `}${severity}: ${message}`
  const others = related.map((each) => `  ${placeText(each.place)}: ${each.message}`)
  return [head, ...(frame === null ? [] : [frame]), ...others, ...(hint === null ? [] : [`  hint: ${hint}`])].join('\n')
}

/** `1 error, 2 warnings` */
export function countProblems(problems: readonly Problem[]): string {
  const count = (severity: Problem['severity']) => problems.filter((each) => each.severity === severity).length
  const words = (number: number, word: string) => (number === 0 ? [] : [`${number} ${word}${number === 1 ? '' : 's'}`])
  return [...words(count('error'), 'error'), ...words(count('warning'), 'warning')].join(', ')
}

function placeOf(sources: readonly Source[], { file, span }: Spot): Place | null {
  return sources[file]?.place(span) ?? null
}

function order(a: Spot | null, b: Spot | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null)
  return a.file - b.file || a.span[0] - b.span[0] || a.span[1] - b.span[1]
}

/** Longest part of a line that is shown, characters. */
const frameWidth = 160

function frameOf(source: Source | undefined, place: Place): string | null {
  if (source === undefined) return null
  const first = Math.max(1, place.line - 1)
  const margin = String(place.line).length
  const shown: string[] = []
  for (let number = first; number <= place.line; number += 1) {
    shown.push(
      `  ${String(number).padStart(margin)} | ${clip(printable(withoutSecrets(source.line(number))))}`.trimEnd(),
    )
  }
  const width = characters(source.line(place.line))
  const end = place.endLine === place.line ? place.endColumn : width + 1
  if (place.column > frameWidth) return shown.join('\n')
  const carets = '^'.repeat(Math.max(1, Math.min(end, frameWidth) - place.column))
  return [...shown, `  ${' '.repeat(margin)} | ${' '.repeat(place.column - 1)}${carets}`].join('\n')
}

/** Frames end in logs and in replies: what may be a key is dots there, as many as it has characters. */
function withoutSecrets(line: string): string {
  const dots = (found: string) => '•'.repeat(found.length)
  const marker = /^"\{\{secret:[\w.-]*\}\}"\s*\}?\s*$/
  return line
    .replace(/(?<=\b(?:authkey|client_authkey|oauth_client_secret)\s*=\s*).+/, (found) =>
      marker.test(found) ? found : dots(found),
    )
    .replace(secretValue, (found) => (/^"\{\{secret:[\w.-]*\}\}"/.test(found) ? found : dots(found)))
    .replace(/\btskey-[\w-]+/g, dots)
    .replace(/(?<=:\/\/)[^\s"]*(?=@)/g, dots)
}

/** Text set to an attribute, or entry of an object, whose name says that it is a secret. */
const secretValue =
  /(?<=\b\w*(?:token|secret|passw(?:or)?d|passphrase|api_?key|auth_?key|private_?key)"?\s*[=:]\s*)"(?:[^"\\]|\\.)*"?/gi

function printable(line: string): string {
  // control bytes of a file must not reach a terminal; a tab is one column, as it is counted
  return line.replace(/\t/g, ' ').replace(/\p{Cc}/gu, '\ufffd')
}

function clip(line: string): string {
  return line.length <= frameWidth ? line : `${line.slice(0, frameWidth)}…`
}
