import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const settings = z.strictObject({})

/** Settings of aws_credential: none. */
export type AwsSettings = z.output<typeof settings>

/** `credential "aws_credential"`: signs requests with the keys; the signature of the agent is dropped. */
export const aws: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'aws_credential',
  summary: 'AWS access keys: requests are signed again; on a kubernetes endpoint they sign in to EKS',
  settings,
  slots: [
    { name: 'access_key_id', label: 'access key id' },
    { name: 'secret_access_key', label: 'secret access key' },
    { name: 'session_token', label: 'session token (optional)' },
  ],
  fills: ['http'],
  disambiguators: [],
  isServed: false,
  variables: [
    { name: 'AWS_ACCESS_KEY_ID', value: 'AKIACLAWPATROLPLACE0', description: 'stands for the AWS access key id' },
    {
      name: 'AWS_SECRET_ACCESS_KEY',
      value: 'clawpatrolPlaceholderSecretAccessKeyDoNo',
      description: 'stands for the AWS secret access key',
    },
    { name: 'AWS_DEFAULT_REGION', value: 'us-east-1', description: 'region of programs that are told none' },
  ],
}
