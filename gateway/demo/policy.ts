/** Host names of the demo upstreams; they exist only inside the tunnel. */
export const demoHosts = { notes: 'notes.demo.internal', ledger: 'ledger.demo.internal' } as const

/** What the demo agent holds where a real agent would hold a key. */
export const demoPlaceholder = 'demo-placeholder-do-not-use'

/** Name of the credential whose secret the demo upstreams want. */
export const demoCredential = 'demo-token'

/** Where the demo runs, as the generated policy needs it. */
export interface DemoPlace {
  readonly stateDir: string
  readonly wireguardPort: number
  readonly apiPort: number
  readonly notesPort: number
  readonly ledgerPort: number
  readonly caFile: string
}

/** The policy of the demo, as a file a person can read and change. */
export function demoPolicy(place: DemoPlace): string {
  const quote = (text: string) => JSON.stringify(text)
  return `# Made by clawpatrol dev at every start. Copy it, change it, and run: clawpatrol dev --config my.hcl
schema_version = 1

gateway {
  state_dir        = ${quote(place.stateDir)}
  dashboard_listen = "127.0.0.1:${place.apiPort}"

  wireguard {
    subnet_cidr = "10.55.0.0/24"
    listen_port = ${place.wireguardPort}
    endpoint    = "127.0.0.1:${place.wireguardPort}"
  }
}

defaults {
  unknown_host = "deny"
}

endpoint "https" "notes" {
  hosts    = [${quote(demoHosts.notes)}]
  upstream = "127.0.0.1:${place.notesPort}"
  ca_cert  = "<<file:${place.caFile}>>"
}

endpoint "https" "ledger" {
  hosts    = [${quote(demoHosts.ledger)}]
  upstream = "127.0.0.1:${place.ledgerPort}"
  ca_cert  = "<<file:${place.caFile}>>"
}

credential "bearer_token" "${demoCredential}" {
  endpoints = [https.notes, https.ledger]
}

rule "notes-no-delete" {
  endpoint  = https.notes
  priority  = 100
  condition = "http.method == 'DELETE'"
  verdict   = "deny"
  reason    = "agents may not delete notes"
}

rule "notes-no-secrets" {
  endpoint  = https.notes
  priority  = 50
  condition = "http.method == 'POST' && http.body.contains('PRIVATE KEY')"
  verdict   = "deny"
  reason    = "this note holds a private key"
}

rule "notes-use" {
  endpoint  = https.notes
  condition = "http.path.startsWith('/v1/notes')"
  verdict   = "allow"
}

rule "ledger-read" {
  endpoint  = https.ledger
  condition = "http.path == '/demo.Ledger/Balance'"
  verdict   = "allow"
}

rule "everything-else" {
  endpoints = [https.notes, https.ledger]
  priority  = -100
  verdict   = "deny"
  reason    = "not covered by policy"
}

profile "default" {
  credentials = [bearer_token.${demoCredential}]
}
`
}
