import type { Action } from '../../contract/action.ts'
import type { Session } from '../../contract/plugin.ts'
import type { AnalyseSql } from '../../contract/sql.ts'
import type { Permit } from '../../contract/verdict.ts'
import { redeem } from '../../rules/gate.ts'
import type { PostgresSettings } from './definition.ts'
import { fatal } from './respond.ts'
import { schemasOf, setsPath } from './search-path.ts'
import { type SessionFacts, seenOf } from './sql-facts.ts'
import { type StartupSetting, settingStatements } from './startup-settings.ts'

/** What became of the settings an agent gave with its startup packet. */
export type JudgedSettings = { readonly kind: 'denied'; readonly told: Buffer } | ClearedSettings

/** Settings that may be sent, once. */
export interface ClearedSettings {
  readonly kind: 'allowed'
  /** Gives them out just before they are sent: the leave to send them is used up by it. */
  take(): readonly StartupSetting[]
  /** Records how the session that has them was opened; call it once. */
  close(error: string | null): void
}

const untouched = { bytesUp: 0, bytesDown: 0, request: null, response: null }

/**
 * Judges the settings given at startup as the SET statements they stand for, before the server hears of any: one that
 * is denied means no session.
 */
export async function judgeSettings(
  session: Session<PostgresSettings>,
  settings: readonly StartupSetting[],
  facts: Omit<SessionFacts, 'recordsParams'>,
  analyse: AnalyseSql,
): Promise<JudgedSettings> {
  const allowed: { readonly action: Action; readonly permit: Permit }[] = []
  const closeAll = (status: string, error: string | null) => {
    for (const { action } of allowed) session.close(action, { ...untouched, status, error })
  }
  for (const { name, value } of settings) if (setsPath(name)) facts.path.put(schemasOf(name, value))
  for (const statement of settingStatements(settings).flatMap(analyse)) {
    const { action, ruling } = await session.judge(seenOf(statement, facts))
    if (ruling.kind === 'deny') {
      session.close(action, { ...untouched, status: 'denied', error: null })
      closeAll('error', 'not run: another setting of the startup packet was denied')
      const hint = 'Leave the setting out of the connection string, its options or PGOPTIONS.'
      const message = `clawpatrol denied a setting of the startup packet: ${ruling.reason}`
      return { kind: 'denied', told: fatal('42501', message, { detail: `action ${action.id}`, hint }) }
    }
    allowed.push({ action, permit: ruling.permit })
  }
  return {
    kind: 'allowed',
    take: () => {
      for (const { action, permit } of allowed) redeem(permit, action.id)
      return settings
    },
    close: (error) => closeAll(error === null ? 'SET' : 'error', error),
  }
}
