import type { ActionView } from '../store/action-view.ts'
import { alignRow, colour } from './print.ts'

const titles = ['asked', 'rule', 'decision', 'credential', 'status', 'ms'] as const
const widths = [48, 18, 8, 12, 6, 6]

/** A table that grows as actions end: what was asked, which rule decided, what was injected, how long it took. */
export function actionTable() {
  return {
    header(): readonly string[] {
      return [colour.bold(alignRow(titles, widths)), widths.map((width) => '─'.repeat(width)).join('  ')]
    },
    row(action: ActionView): string {
      const { title, decider, decision, credential, status, ms } = action
      const verdict = decision === 'allow' ? colour.green('allow') : colour.red('deny')
      const took = ms === null ? '' : String(Math.round(ms))
      const injected = decision === 'allow' ? (credential ?? '-') : '-'
      return alignRow([shorten(title, 48), decider, verdict, injected, status ?? '', took], widths)
    },
  }
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
