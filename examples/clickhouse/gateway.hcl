schema_version = 1

gateway {
  # Where agents' machines find this gateway, when it is not only for this one.
  # public_url = "https://gate.example.com"

  wireguard {
    subnet_cidr = "10.77.0.0/24"

    # What agents dial: this machine. Remove it once public_url is set.
    endpoint = "127.0.0.1:51820"
  }

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
    clickhouse_credential.metrics-ro,
  ]
}
