schema_version = 1

gateway {
  public_url = "https://gate.acme.test"
  wireguard {
    subnet_cidr = "10.79.0.0/24"
  }
}

endpoint "postgres" "orders" {
  host    = "orders-db.acme.test:5432"
  sslmode = "verify-full"
}

credential "postgres_credential" "orders-reader" {
  endpoint = postgres.orders
  user     = "agent_ro"
}
credential "postgres_credential" "orders-writer" {
  endpoint = postgres.orders
  user     = "agent_rw"
}
credential "anthropic_manual_key" "judge-key" {}

approver "llm_approver" "pii-judge" {
  model      = "claude-haiku-4-5-20251001"
  credential = anthropic_manual_key.judge-key
  policy     = <<-EOT
    The statement touches the customers table. Permit it when the
    output is counts, identifiers or dates. Refuse it when the output
    carries an e-mail address, a phone number or a postal address.
  EOT
}

rule "dangerous-functions" {
  endpoint  = postgres.orders
  priority  = 300
  condition = "sql.functions.exists(f, f.startsWith('pg_read_') || f.startsWith('lo_') || f.startsWith('dblink'))"
  verdict   = "deny"
  reason    = "server-side file and network functions are blocked"
}
rule "reader-is-reader" {
  endpoint   = postgres.orders
  credential = postgres_credential.orders-reader
  priority   = 200
  condition  = "!(sql.verb in ['select', 'show', 'begin', 'commit', 'rollback'])"
  verdict    = "deny"
  reason     = "agent_ro is limited to queries"
}
rule "customer-data" {
  endpoint  = postgres.orders
  priority  = 100
  condition = "sets.intersects(sql.tables, ['customers', 'customer_notes'])"
  approve   = [llm_approver.pii-judge]
}
rule "queries" {
  endpoint  = postgres.orders
  condition = "sql.verb in ['select', 'show', 'begin', 'commit', 'rollback']"
  verdict   = "allow"
}
rule "small-writes" {
  endpoint   = postgres.orders
  credential = postgres_credential.orders-writer
  condition  = "sql.verb in ['insert', 'update', 'delete'] && sql.database == 'staging'"
  approve    = [builtin.dashboard]
}
rule "orders-default" {
  endpoint = postgres.orders
  priority = -100
  verdict  = "deny"
  reason   = "statement kind is not permitted"
}

profile "analyst" {
  credentials = [postgres_credential.orders-reader]
}
profile "oncall" {
  credentials = [postgres_credential.orders-reader, postgres_credential.orders-writer]
}
