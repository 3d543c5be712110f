import type { Declarations, Declared } from './declare.ts'
import type { Report, Spot } from './diagnostics.ts'
import type { Source } from './hcl/position.ts'
import type { Diagnostic } from './hcl/syntax.ts'
import { pathOf } from './resolve.ts'
import { didYouMean } from './suggest.ts'

/** Takes over what HashiCorp's parser and evaluator found, with hints only we can give. */
export function noteDiagnostics(
  report: Report,
  sources: readonly Source[],
  diagnostics: readonly Diagnostic[],
  declarations: Declarations | null,
): void {
  for (const { severity, summary, detail, file, at } of diagnostics) {
    const spot = file === undefined || at === undefined ? null : { file, span: at }
    const text = detail === '' ? summary : `${summary}: ${detail.replace(/\.$/, '')}`
    const hint =
      declarations === null || spot === null ? undefined : hintFor(summary, textAt(sources, spot), declarations)
    if (severity === 'error') report.error(spot, text, { hint })
    else report.warn(spot, text, { hint })
  }
}

function hintFor(summary: string, written: string, { all }: Declarations): string | undefined {
  const declared: Declared[] = [all.endpoint, all.credential, all.approver, all.tunnel].flatMap((each) => [
    ...each.values(),
  ])
  if (summary === 'Unknown variable') {
    if (written === 'dashboard') return 'write builtin.dashboard'
    const named = declared.filter(({ name }) => name === written).map(pathOf)
    if (named.length > 0) return `write ${named.join(' or ')}`
    return didYouMean(written, new Set(declared.map(({ type }) => type)))
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

function textAt(sources: readonly Source[], { file, span }: Spot): string {
  return sources[file]?.file.bytes.toString('utf8', span[0], Math.min(span[1], span[0] + 200)) ?? ''
}
