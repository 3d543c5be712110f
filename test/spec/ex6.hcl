schema_version = 1

gateway {
  dashboard_listen        = "127.0.0.1:8080"
  public_url              = "https://gate.acme.test/"
  state_dir               = "/srv/gate"
  dashboard_session_ttl   = "12h"
  dashboard_config_writes = true
  session_keep            = "336h"
  actions_keep            = "off"
  telemetry               = false

  limits {
    body_buffer  = "2MiB"
    body_storage = "16KiB"
  }
  genai_telemetry {
    include_message_content = false
  }
  wireguard {
    subnet_cidr        = "10.81.0.0/24"
    host_loopback_port = 18443
    endpoint           = "wg.acme.test:51820"
  }
}

defaults {
  unknown_host     = "passthrough"
  llm_fail_mode    = "closed"
  llm_cache_ttl    = 300
  human_timeout    = 300
  human_on_timeout = "deny"
}

# ---- how to get there
credential "ssh_key" "jump-key" {}
tunnel "ssh_port_forward" "jump" {
  bastion    = "jump.acme.test:22"
  user       = "gate"
  credential = ssh_key.jump-key
  keepalive  = "always"
}
tunnel "local_command" "cloudsql" {
  command     = ["cloud-sql-proxy", "acme:eu:main"]
  listen      = "127.0.0.1:15432"
  ready_probe = "tcp"
  share       = "per_endpoint"
  env         = { GOOGLE_APPLICATION_CREDENTIALS = "/run/gcp.json" }
}

# ---- what can be reached
endpoint "https" "mail" {
  hosts = ["mail.acme.test:443"]
}
endpoint "https" "llm" {
  hosts = ["api.anthropic.com"]
}
endpoint "postgres" "crm" {
  host   = "crm-db.internal:5432"
  tunnel = local_command.cloudsql
}
endpoint "clickhouse_native" "metrics" {
  hosts  = ["metrics.internal"]
  tls    = true
  tunnel = ssh_port_forward.jump
}

# ---- secrets
credential "cookie_token" "mail-session" {
  endpoint    = https.mail
  cookie_name = "sid"
}
credential "anthropic_manual_key" "llm-key" {
  endpoint = https.llm
}
credential "postgres_credential" "crm-prod" {
  endpoint = postgres.crm
  user     = "agent"
  database = "crm"
}
credential "clickhouse_credential" "metrics-ro" {
  endpoint = clickhouse_native.metrics
  user     = "agent_ro"
}
credential "slack_tokens" "slack" {}

# ---- who decides
approver "llm_approver" "tone" {
  model      = "claude-haiku-4-5-20251001"
  credential = anthropic_manual_key.llm-key
  policy     = "Refuse outgoing mail that is rude or promises a refund."
}
approver "human_approver" "support" {
  channel           = "#support-approvals"
  credential        = slack_tokens.slack
  interactive       = true
  timeout           = 120
  classifier        = llm_approver.tone
  message           = "{{profile}} wants {{http.method}} {{http.path}}"
  sync_wait_timeout = "30s"
  async_grant {
    enabled            = true
    approved_retry_ttl = "10m"
    max_body_bytes     = 1048576
  }
}

# ---- policy
rule "mail-send" {
  endpoint  = https.mail
  priority  = 10
  condition = "http.method == 'POST' && http.path == '/v1/send'"
  approve   = [llm_approver.tone, human_approver.support]
}
rule "mail-read" {
  endpoint  = https.mail
  condition = "http.method == 'GET'"
  verdict   = "allow"
}
rule "mail-drafts" {
  endpoint  = https.mail
  condition = "http.path.startsWith('/v1/drafts') && !http.body.contains('BEGIN PRIVATE KEY')"
  verdict   = "allow"
}
rule "old-mail-purge" {
  endpoint  = https.mail
  disabled  = true
  condition = "http.method == 'DELETE'"
  verdict   = "allow"
}
rule "mail-default" {
  endpoint = https.mail
  priority = -100
  verdict  = "deny"
}
rule "crm-read" {
  endpoint  = postgres.crm
  condition = "sql.verb == 'SELECT' && !('users' in sql.tables)"
  verdict   = "allow"
}
rule "sql-default" {
  endpoints = [postgres.crm, clickhouse_native.metrics]
  priority  = -100
  verdict   = "deny"
  reason    = "read-only service"
}
rule "metrics-read" {
  endpoint  = clickhouse_native.metrics
  condition = "sql.verb in ['select', 'show', 'describe', 'use'] && !sql.statement.matches('(?i)\\\\b(url|remote|s3|file)\\\\s*\\\\(')"
  verdict   = "allow"
}

profile "support" {
  credentials = [
    cookie_token.mail-session,
    anthropic_manual_key.llm-key,
    postgres_credential.crm-prod,
    clickhouse_credential.metrics-ro,
  ]
  hitl_async_grants = true
}
profile "llm-only" {
  credentials = [anthropic_manual_key.llm-key]
}
