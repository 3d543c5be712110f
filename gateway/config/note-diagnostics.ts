import { type Declarations, type Declared, typesOf } from './declare.ts'
import type { Report, Spot } from './diagnostics.ts'
import type { Source } from './hcl/position.ts'
import type { Diagnostic } from './hcl/syntax.ts'
import { pathOf } from './resolve.ts'
import { didYouMean } from './suggest.ts'
import { syntaxHint } from './syntax-hints.ts'

/** Takes over what HashiCorp's parser and evaluator found, with hints only we can give. */
export function noteDiagnostics(
  report: Report,
  sources: readonly Source[],
  diagnostics: readonly Diagnostic[],
  declarations: Declarations | null,
): void {
  for (const { severity, summary, detail, file, at } of withoutEchoes(diagnostics)) {
    const spot = file === undefined || at === undefined ? null : { file, span: at }
    if (spot !== null && declarations !== null && namesUnknownType(summary, sources, spot, declarations)) continue
    // what the parser takes for meant is only what is declared: our hints know more
    const plain = detail.replace(/ Did you mean "[^"]*"\?$/, '').replace(/\.$/, '')
    const text = plain === '' ? summary : `${summary}: ${plain}`
    const hint = spot === null ? undefined : hintFor(summary, sources, spot, declarations)
    if (severity === 'error') report.error(spot, text, { hint })
    else report.warn(spot, text, { hint })
  }
}

/** A quote that is not closed turns the rest of the file inside out, and one place is often told of twice. */
function withoutEchoes(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const places = new Set<string>()
  const open = new Map<number, number>()
  return diagnostics.filter(({ summary, file, at }) => {
    if (file === undefined || at === undefined) return true
    const place = `${file}:${at[0]}`
    if (places.has(place) || at[0] > (open.get(file) ?? Number.POSITIVE_INFINITY)) return false
    places.add(place)
    if (summary === 'Invalid multi-line string') open.set(file, at[0])
    return true
  })
}

/** `https.a` where the block called "a" has a type nobody knows, which is told there. */
function namesUnknownType(
  summary: string,
  sources: readonly Source[],
  { file, span }: Spot,
  { all }: Declarations,
): boolean {
  if (summary !== 'Unknown variable') return false
  const name = /^\.([\p{ID_Start}_][\p{ID_Continue}-]*)/u.exec(
    textAt(sources, { file, span: [span[1], span[1] + 200] }),
  )
  const kinds = [all.endpoint, all.credential, all.approver, all.tunnel]
  return kinds.some((declared) => declared.get(name?.[1] ?? '')?.isUnknown === true)
}

function hintFor(
  summary: string,
  sources: readonly Source[],
  spot: Spot,
  declarations: Declarations | null,
): string | undefined {
  const written = textAt(sources, spot)
  if (declarations === null) return syntaxHint(summary, lineOf(sources, spot))
  const { all } = declarations
  const declared: Declared[] = [all.endpoint, all.credential, all.approver, all.tunnel].flatMap((each) => [
    ...each.values(),
  ])
  if (summary === 'Unknown variable') {
    if (textAt(sources, { file: spot.file, span: [spot.span[0] - 2, spot.span[0]] }) === `\${`)
      return `\${…} takes a reference in; write $\${ for the signs themselves`
    return hintForVariable(written, declared)
  }
  if (summary === 'Unsupported attribute') {
    const name = /[\p{ID_Start}_][\p{ID_Continue}-]*$/u.exec(written)?.[0] ?? written
    const named = declared.filter((each) => each.name === name).map(pathOf)
    return named.length > 0
      ? `write ${named.join(' or ')}`
      : didYouMean(
          name,
          declared.map((each) => each.name),
        )
  }
  if (summary === 'Function calls not allowed') return 'the language has no functions'
  return undefined
}

function hintForVariable(written: string, declared: readonly Declared[]): string | undefined {
  if (written === 'dashboard') return 'write builtin.dashboard'
  const named = declared.filter(({ name }) => name === written).map(pathOf)
  if (named.length > 0) return `write ${named.join(' or ')}`
  const kind = (['endpoint', 'credential', 'approver', 'tunnel'] as const).find((each) =>
    typesOf[each].includes(written),
  )
  if (kind !== undefined) return `no ${kind} of type ${written} is declared`
  if (/^(yes|on)$/i.test(written)) return 'write true'
  if (/^(no|off)$/i.test(written)) return 'write false'
  return didYouMean(written, new Set(declared.map(({ type }) => type))) ?? `text stands in quotes: "${written}"`
}

function textAt(sources: readonly Source[], { file, span }: Spot): string {
  return sources[file]?.file.bytes.toString('utf8', span[0], Math.min(span[1], span[0] + 200)) ?? ''
}

function lineOf(sources: readonly Source[], { file, span }: Spot): string {
  const source = sources[file]
  return source === undefined ? '' : source.line(source.place(span).line)
}
