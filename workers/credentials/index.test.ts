import { describe, expect, it } from 'vitest'
import { credentialNamed, credentials } from './index.ts'

const accepts = (type: string, settings: unknown) => credentialNamed(type)?.settings.safeParse(settings).success

/** Slots, fills and disambiguators of every type, and which of the latter stand in the block. */
const table: Record<string, [slots: string[], fills: string[], disambiguators: string[], own?: string[]]> = {
  anthropic_manual_key: [[''], ['http'], ['placeholder']],
  anthropic_oauth_subscription: [[''], ['http'], ['placeholder']],
  aws_credential: [['access_key_id', 'secret_access_key', 'session_token'], ['http'], []],
  basic_auth: [[''], ['http'], ['placeholder']],
  bearer_token: [[''], ['http'], ['placeholder']],
  clickhouse_credential: [[''], ['login'], ['database', 'user'], ['database', 'user']],
  cookie_token: [[''], ['http'], ['placeholder']],
  discord_bot_token: [['', 'bot'], ['http'], ['placeholder']],
  gemini_api_key: [[''], ['http'], ['placeholder']],
  github_oauth: [[''], ['http'], ['placeholder']],
  google_gke_credential: [['sa_key'], ['http'], []],
  header_token: [[''], ['http'], ['placeholder']],
  mtls_credential: [['cert', 'key', 'ca'], ['tls'], []],
  notion_mcp_oauth: [[''], ['http'], ['placeholder']],
  notion_oauth: [[''], ['http'], ['placeholder']],
  openai_codex_oauth: [[''], ['http'], ['placeholder']],
  passthrough: [[], [], []],
  postgres_credential: [[''], ['login'], ['user', 'database'], ['user', 'database']],
  slack_tokens: [['bot', 'app', 'signing_secret'], ['http'], ['placeholder']],
  ssh_key: [['private_key', 'passphrase', 'password', 'host_pubkey'], ['ssh'], ['user']],
  tailscale_auth: [['state'], [], []],
  telegram_bot_token: [[''], ['http'], ['placeholder']],
}

describe('the credential types', () => {
  it('are those of the language, each once', () => {
    expect(credentials.map(({ type }) => type).sort()).toEqual(Object.keys(table).sort())
    expect(credentialNamed('bearer')).toBeUndefined()
  })

  it.each(Object.entries(table))('%s: which secrets it needs, what it fills and what may pick it', (type, wanted) => {
    const found = credentialNamed(type)
    const facts = [found?.slots.map(({ name }) => name), found?.fills, found?.disambiguators]
    expect(found?.ownDisambiguators === undefined ? facts : [...facts, found.ownDisambiguators]).toEqual(wanted)
  })

  it.each([
    ['basic_auth', { username: 'bot' }, [{}, { username: 'a:b' }, { username: 'a\nb' }]],
    ['bearer_token', { idempotency_key: 'true' }, [{ idempotency_key: 'yes' }, { token: 'x' }]],
    ['cookie_token', { cookie_name: 'session' }, [{ cookie_name: 'a b' }, { cookie_name: 'a;b' }]],
    [
      'header_token',
      { header: 'X-Api-Key', prefix: 'Token ' },
      [
        {},
        { header: '' },
        { header: 'X Key' },
        { header: 'Host' },
        { header: 'content-length' },
        { header: 'X', prefix: 'a\r\nb' },
      ],
    ],
    ['postgres_credential', { user: 'agent_ro', database: 'crm' }, [{ user: '' }, { database: 'a\0' }, { port: 1 }]],
    ['clickhouse_credential', { user: 'agent_ro' }, [{ database: '' }, { password: 'x' }]],
    ['ssh_key', {}, [{ user: 'root' }, { private_key: 'x' }]],
  ])('%s takes its settings and refuses others', (type, right, wrong) => {
    expect(accepts(type, right)).toBe(true)
    expect(wrong.map((settings) => accepts(type, settings))).toEqual(wrong.map(() => false))
  })

  it('warn of a database nobody can log in to', () => {
    const { settings, check } = credentialNamed('postgres_credential') ?? {}
    expect(check?.(settings?.parse({ user: 'a' }))).toEqual([])
    expect(check?.(settings?.parse({}))).toEqual([
      {
        path: ['user'],
        message: 'without user the gateway cannot log in: no session can start',
        severity: 'warning',
      },
    ])
  })

  it('take no secret in the file', () => {
    const open = credentials.filter(({ type }) => accepts(type, { token: 'x' }) === true).map(({ type }) => type)
    expect(open).toEqual([])
  })

  it('of its kind without attributes take an empty block and nothing else', () => {
    const asking = ['basic_auth', 'header_token']
    for (const { type } of credentials) expect(accepts(type, {}), type).toBe(!asking.includes(type))
  })
})

describe('what credentials push into the environment', () => {
  it('is a placeholder for each name, and no name twice', () => {
    const pushed = credentials.flatMap(({ type, variables = [] }) =>
      variables.map(({ name, value }) => [type, name, value]),
    )
    expect(pushed).toEqual([
      ['anthropic_oauth_subscription', 'ANTHROPIC_AUTH_TOKEN', 'sk-ant-oat01-clawpatrol-placeholder-do-not-use'],
      ['aws_credential', 'AWS_ACCESS_KEY_ID', 'AKIACLAWPATROLPLACE0'],
      ['aws_credential', 'AWS_SECRET_ACCESS_KEY', 'clawpatrolPlaceholderSecretAccessKeyDoNo'],
      ['aws_credential', 'AWS_DEFAULT_REGION', 'us-east-1'],
      [
        'discord_bot_token',
        'DISCORD_TOKEN',
        'MTAwMDAwMDAwMDAwMDAwMDAwMA.clawpatrol-placeholder-do-not-use.xxxxxxxxxxxxxxxxxxxxxxxxxxx',
      ],
      [
        'discord_bot_token',
        'DISCORD_BOT_TOKEN',
        'MTAwMDAwMDAwMDAwMDAwMDAwMA.clawpatrol-placeholder-do-not-use.xxxxxxxxxxxxxxxxxxxxxxxxxxx',
      ],
      ['gemini_api_key', 'GOOGLE_API_KEY', 'AIzaClawpatrolPlaceholderDoNotUse00000000'],
      ['gemini_api_key', 'GEMINI_API_KEY', 'AIzaClawpatrolPlaceholderDoNotUse00000000'],
      ['github_oauth', 'GH_TOKEN', 'ghp_clawpatrol_placeholder_do_not_use'],
      ['github_oauth', 'GITHUB_TOKEN', 'ghp_clawpatrol_placeholder_do_not_use'],
    ])
  })
})

describe('signing in', () => {
  const flows = credentials.flatMap(({ type, oauth }) => (oauth === undefined ? [] : [{ type, oauth }]))

  it('is offered by four types', () => {
    expect(flows.map(({ type, oauth }) => [type, oauth.flow, oauth.client.kind, oauth.refreshTokenVariable])).toEqual([
      ['anthropic_oauth_subscription', 'authorization_code', 'public', 'CLAUDE_REFRESH'],
      ['github_oauth', 'device', 'public', null],
      ['notion_mcp_oauth', 'authorization_code', 'registered', null],
      ['openai_codex_oauth', 'device', 'public', 'CODEX_REFRESH'],
    ])
  })

  it('goes to its provider over TLS; only the redirect of an operator stays on the machine', () => {
    const urls = flows.flatMap(({ oauth }) => {
      if (oauth.flow === 'device') return [oauth.startUrl, oauth.pollUrl, oauth.exchange?.tokenUrl]
      const { client } = oauth
      return [oauth.authorizeUrl, oauth.tokenUrl, client.kind === 'registered' ? client.registerUrl : undefined]
    })
    expect(urls.filter((url) => url !== undefined && !/^https:\/\/[a-z.]+\//.test(url))).toEqual([])
    const redirects = flows.map(({ oauth }) =>
      oauth.flow === 'device' ? oauth.exchange?.redirectUrl : oauth.redirectUrl,
    )
    expect(redirects).toEqual([
      'https://console.anthropic.com/oauth/code/callback',
      undefined,
      'http://localhost:8900/callback',
      'https://auth.openai.com/deviceauth/callback',
    ])
  })

  it('offers a scope once, and in the form that may be asked for', () => {
    for (const { type, oauth } of flows) {
      const scopes = [...oauth.scopes, ...oauth.optionalScopes.map(({ scope }) => scope)]
      expect(new Set(scopes).size, type).toBe(scopes.length)
      expect(
        scopes.filter((scope) => !/^[a-z0-9:_]{1,64}$/.test(scope)),
        type,
      ).toEqual([])
    }
  })
})
