import type { Pack } from './packs.ts'

/** How agents arrive at a gateway that starts from packs. */
export type Transport = 'wireguard' | 'tailscale'

/** The configuration around packs: gateway, defaults and one profile that may use all of them. */
export function gatewayFile(packs: readonly Pack[], transport: Transport): string {
  const credentials = packs.flatMap(({ credentials: own }) => own.map((name) => `    ${name},\n`))
  return `schema_version = 1

gateway {
  # Where agents' machines find this gateway, when it is not only for this one.
  # public_url = "https://gate.example.com"

${transport === 'wireguard' ? wireguard : tailscale}
  limits {
    # Rules see this much of a body. What is longer cannot be judged, and rules that need it deny.
    body_buffer = "4MiB"
  }
}

defaults {
  # What no endpoint claims is refused. "passthrough" lets it pass uninspected instead.
  unknown_host = "deny"

  # What no rule allows is denied.
  unmatched = "deny"
}

# What a device may use unless it has a profile of its own (clawpatrol profile set).
profile "default" {
  credentials = [
${credentials.join('')}  ]
}
`
}

const wireguard = `  wireguard {
    subnet_cidr = "10.77.0.0/24"

    # What agents dial: this machine. Remove it once public_url is set.
    endpoint = "127.0.0.1:51820"
  }
`

const tailscale = `  # clawpatrol secret set tailnet-key             a tagged auth key for the gateway itself
  # clawpatrol secret set tailnet-client-id       of an OAuth client with auth_keys, devices:core and devices:routes
  # clawpatrol secret set tailnet-client-secret
  tailscale {
    hostname            = "clawpatrol-gateway"
    authkey             = "{{secret:tailnet-key}}"
    oauth_client_id     = "{{secret:tailnet-client-id}}"
    oauth_client_secret = "{{secret:tailnet-client-secret}}"

    # Who may operate the gateway from the tailnet.
    # operators = ["you@example.com"]
  }
`
