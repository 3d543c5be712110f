# Agents may read tickets and change nothing. What no endpoint claims passes untouched.
schema_version = 1

gateway {
  public_url = "https://gate.example.com"

  wireguard {
    subnet_cidr = "10.77.0.0/24"
  }
}

endpoint "https" "tickets" {
  hosts       = ["api.tickets.example"]
  description = "Ticket tracker"
}

credential "bearer_token" "tickets-reader" {
  endpoint = https.tickets
}

rule "tickets-read-only" {
  endpoint  = https.tickets
  condition = "!(http.method in ['GET', 'HEAD', 'OPTIONS'])"
  verdict   = "deny"
  reason    = "agents may read tickets, not change them"
}

profile "default" {
  credentials = [bearer_token.tickets-reader]
}
