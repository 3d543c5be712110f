import {
  type DescribedAction,
  type DescribedHttp,
  isSensitive,
  looksSecret,
  masked,
  maxDescribed,
} from './described.ts'

type Values = { readonly [name: string]: readonly string[] }

/**
 * A described action as the text that is recorded: without body (an empty one stays: it says that there was none),
 * sensitive values masked, at most `maxDescribed` bytes.
 * Where that is too little, the values of all headers and parameters are masked; null when even that is too long or
 * `describe` throws.
 */
export function describedText(describe: () => DescribedAction): string | null {
  try {
    const action = withoutSecrets(describe())
    return fitting(action) ?? fitting(withoutParams(withHttp(action, (http) => ({ ...http, ...hidden(http) }))))
  } catch {
    // an action that cannot be described is recorded all the same
    return null
  }
}

function withoutSecrets(action: DescribedAction): DescribedAction {
  const { k8s, sql } = action
  const seen = withHttp(action, ({ body, body_b64: _, ...http }) => ({
    ...http,
    ...(body === '' ? { body } : {}),
    ...(http.query === undefined ? {} : { query: maskSensitive(http.query) }),
    ...(http.headers === undefined ? {} : { headers: maskSensitive(http.headers) }),
  }))
  return {
    ...seen,
    ...(k8s?.params === undefined ? {} : { k8s: { ...k8s, params: maskNamed(k8s.params) } }),
    ...(sql?.params === undefined ? {} : { sql: { ...sql, params: maskNamed(sql.params) } }),
  }
}

function maskNamed(params: { readonly [name: string]: string }): { readonly [name: string]: string } {
  const entries = Object.entries(params)
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isSensitive(name) || looksSecret(value) ? masked : value]),
  )
}

/** Parameters of SQL are recorded as the protocol's policy says; here they only take less room. */
function withoutParams(action: DescribedAction): DescribedAction {
  if (action.sql?.params === undefined) return action
  const params = Object.keys(action.sql.params).map((name) => [name, masked])
  return { ...action, sql: { ...action.sql, params: Object.fromEntries(params) } }
}

function withHttp(action: DescribedAction, change: (http: DescribedHttp) => DescribedHttp): DescribedAction {
  return action.http === undefined ? action : { ...action, http: change(action.http) }
}

function maskSensitive(values: Values): Values {
  return mask(values, (name, list) => isSensitive(name) || list.some(looksSecret))
}

function hidden({ headers }: DescribedHttp): DescribedHttp {
  return headers === undefined ? {} : { headers: mask(headers, () => true) }
}

function mask(values: Values, isHidden: (name: string, list: readonly string[]) => boolean): Values {
  const entries = Object.entries(values)
  if (!entries.some(([name, list]) => isHidden(name, list))) return values
  return Object.fromEntries(entries.map(([name, list]) => [name, isHidden(name, list) ? list.map(() => masked) : list]))
}

function fitting(action: DescribedAction): string | null {
  const text = JSON.stringify(action)
  // a character takes three bytes at most
  if (text.length * 3 <= maxDescribed) return text
  return new TextEncoder().encode(text).byteLength <= maxDescribed ? text : null
}
