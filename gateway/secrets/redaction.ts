import { buildRedactor, type Redactor } from '../recorder/redact.ts'
import type { Vault } from './vault.ts'

/** A redactor that always knows what the vault knows: built anew when there are new values, cheap to ask for. */
export function redactionOf({ known }: Pick<Vault, 'known'>): () => Redactor {
  let revision = known.revision
  let redactor = buildRedactor(known.list())
  return () => {
    if (known.revision !== revision) {
      revision = known.revision
      redactor = buildRedactor(known.list())
    }
    return redactor
  }
}
