import { z } from 'zod'
import type { CredentialDefinition } from '../../contract/plugin.ts'

const optionalScopes = [
  { scope: 'notifications', doc: 'Read notifications and mark them read.' },
  { scope: 'read:user', doc: 'Read the profile.' },
  { scope: 'user:email', doc: 'Read the e-mail addresses.' },
  { scope: 'read:packages', doc: 'Download packages.' },
  { scope: 'write:packages', doc: 'Upload packages.' },
  { scope: 'read:project', doc: 'Read projects.' },
  { scope: 'project', doc: 'Read and write projects.' },
  { scope: 'write:discussion', doc: 'Read and write team discussions.' },
  { scope: 'security_events', doc: 'Read and write code scanning alerts.' },
  { scope: 'codespace', doc: 'Create and manage codespaces.' },
  { scope: 'admin:repo_hook', doc: 'Manage webhooks of repositories.' },
  { scope: 'admin:org', doc: 'Manage organisations, teams and members.' },
  { scope: 'delete_repo', doc: 'Delete repositories.' },
]

const settings = z.strictObject({})

/** Settings of github_oauth: none. */
export type GithubOauthSettings = z.output<typeof settings>

/** `credential "github_oauth"`: Authorization: Bearer, or Basic on the paths git uses. */
export const githubOauth: CredentialDefinition<typeof settings> = {
  kind: 'credential',
  type: 'github_oauth',
  summary: 'a GitHub account, connected by signing in; for its API and for git over HTTPS',
  settings,
  slots: [{ name: '', label: 'access token, kept by signing in' }],
  fills: ['http'],
  disambiguators: ['placeholder'],
  isServed: false,
  variables: [
    { name: 'GH_TOKEN', value: 'ghp_clawpatrol_placeholder_do_not_use', description: 'stands for the GitHub token' },
    {
      name: 'GITHUB_TOKEN',
      value: 'ghp_clawpatrol_placeholder_do_not_use',
      description: 'stands for the GitHub token',
    },
  ],
  oauth: {
    flow: 'device',
    dialect: 'rfc8628',
    client: { kind: 'public', id: '178c6fc778ccc68e1d6a' },
    startUrl: 'https://github.com/login/device/code',
    pollUrl: 'https://github.com/login/oauth/access_token',
    exchange: null,
    scopes: ['repo', 'read:org', 'gist', 'workflow'],
    optionalScopes,
    refreshTokenVariable: null,
  },
}
