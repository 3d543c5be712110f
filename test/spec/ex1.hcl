schema_version = 1

gateway {
  state_dir  = "/srv/gate"
  public_url = "https://gate.acme.test"

  wireguard {
    subnet_cidr = "10.77.0.0/24"
  }
}

endpoint "https" "tracker" {
  hosts = ["api.tracker.test"]
}

credential "bearer_token" "tracker-pat" {
  endpoint = https.tracker
}

rule "tracker-read-only" {
  endpoint  = https.tracker
  condition = "!(http.method in ['GET', 'HEAD', 'OPTIONS'])"
  verdict   = "deny"
  reason    = "this agent may only read tickets"
}

profile "default" {
  credentials = [bearer_token.tracker-pat]
}
