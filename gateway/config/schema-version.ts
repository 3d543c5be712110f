import type { Report } from './diagnostics.ts'
import type { Body } from './hcl/syntax.ts'
import { attributeOf } from './resolve.ts'

/** Newest grammar this program reads. */
const newest = 1

/** The grammar a configuration says it is written in. */
export interface SchemaVersion {
  readonly number: number
  readonly isWritten: boolean
}

/** Gates on `schema_version` before anything else is decoded; null (reported) when it is not one we read. */
export function checkSchemaVersion(report: Report, bodies: readonly Body[]): SchemaVersion | null {
  const found = bodies.flatMap((body, file) => {
    const attribute = attributeOf(body, 'schema_version')
    return attribute === undefined ? [] : [{ file, attribute }]
  })
  const [first, second] = found
  if (first === undefined) return { number: 0, isWritten: false }
  const { value } = first.attribute
  const spot = { file: first.file, span: value.at }
  if (second !== undefined) {
    report.error({ file: second.file, span: second.attribute.at }, 'schema_version is set twice over all files', {
      related: [{ message: 'the first is here', spot: { file: first.file, span: first.attribute.at } }],
    })
    return null
  }
  const number = value.kind === 'number' ? Number(value.value) : Number.NaN
  if (!Number.isInteger(number)) {
    report.error(spot, 'schema_version must be a whole number without quotes', {
      hint: `write schema_version = ${newest}`,
    })
    return null
  }
  if (number > newest) {
    report.error(
      spot,
      `schema_version ${number} is newer than ${newest}, the newest this program reads: upgrade clawpatrol`,
    )
    return null
  }
  if (number < 0) {
    report.error(spot, `schema_version ${number} is older than 0, the oldest this program reads`)
    return null
  }
  return { number, isWritten: true }
}
