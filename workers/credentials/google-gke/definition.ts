import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of google_gke_credential: none. */
export type GoogleGkeSettings = z.output<typeof settings>

/** `credential "google_gke_credential"`: for GKE clusters and other Google APIs. */
export const googleGke: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'google_gke_credential',
  summary: 'a Google service account: Authorization: Bearer of a token minted with its key',
  settings,
  slots: [{ name: 'sa_key', label: 'key of the service account, JSON', multiline: true }],
  fills: ['http'],
  disambiguators: [],
  isServed: false,
}
