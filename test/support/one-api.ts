/** The upstream of a policy with one endpoint. */
export interface OneApi {
  readonly host: string
  readonly port: number
  /** Certificate of the authority that vouches for the upstream. */
  readonly caFile: string
}

/**
 * A policy with one endpoint, `api`, whose bearer token is the secret `token`.
 * @param rules more blocks
 */
export function oneApi({ host, port, caFile }: OneApi, rules = ''): string {
  return `
endpoint "https" "api" {
  hosts    = ["${host}"]
  upstream = "127.0.0.1:${port}"
  ca_cert  = "<<file:${caFile}>>"
}
credential "bearer_token" "token" {
  endpoint = https.api
}
${rules}profile "default" {
  credentials = [bearer_token.token]
}
`
}
