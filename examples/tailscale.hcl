# A gateway in a tailnet. Agents' machines become nodes of it when an operator approves them; the only port on the
# internet is that of onboarding, through Funnel.
# Store the secrets once:
#   clawpatrol secret set tailnet-key             a tagged auth key for the gateway itself
#   clawpatrol secret set tailnet-client-secret   of an OAuth client with auth_keys, devices:core and devices:routes
#   clawpatrol secret set weather-key
schema_version = 1

gateway {
  tailscale {
    hostname            = "clawpatrol-gateway"
    authkey             = "{{secret:tailnet-key}}"
    oauth_client_id     = "kCLIENT11CNTRL"
    oauth_client_secret = "{{secret:tailnet-client-secret}}"
    tags                = ["tag:client"]
    operators           = ["you@example.com"]
    funnel              = true
  }
}

endpoint "https" "weather" {
  hosts = ["api.weather.example"]
}

credential "bearer_token" "weather-key" {
  endpoint = https.weather
}

profile "default" {
  credentials = [bearer_token.weather-key]
}
