import { adversaries, bestMs, bodies, jsons, mostMs } from '../../workers/rules/adversaries.fixture.ts'
import type { Row } from './rows.ts'

/** How long the costliest condition takes on the worst request for it. */
export function conditionRow(): Row {
  let worst = { ms: 0, condition: '' }
  for (const condition of adversaries)
    for (const [at, body] of Object.values(bodies).entries()) {
      const ms = bestMs(condition, body, Object.values(jsons)[at % 4])
      if (ms > worst.ms) worst = { ms, condition }
    }
  const name = `costliest of ${adversaries.length} hostile conditions`
  return {
    name,
    direct: '-',
    reached: `${worst.ms.toFixed(1)} ms`,
    bar: `${mostMs} ms`,
    goal: worst.condition.slice(0, 40),
  }
}
