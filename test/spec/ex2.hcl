schema_version = 1

gateway {
  wireguard {
    subnet_cidr = "10.78.0.0/24"
    endpoint    = "127.0.0.1:51820"
  }
  limits {
    body_buffer = "256KiB"
  }
}

defaults {
  unknown_host  = "deny"
  human_timeout = 120
}

endpoint "https" "billing" {
  hosts       = ["api.billing.test", "*.billing.test"]
  description = "Card processor"
  retention   = "2160h"
}

credential "header_token" "billing-test" {
  endpoint    = https.billing
  header      = "X-Billing-Key"
  placeholder = "PH_bill_test"
}
credential "header_token" "billing-live" {
  endpoint    = https.billing
  header      = "X-Billing-Key"
  placeholder = "PH_bill_live"
}

approver "human_approver" "finance" {
  channel = "#finance-approvals"
  timeout = 90
}

rule "no-exports" {
  endpoint  = https.billing
  priority  = 200
  condition = "http.path.startsWith('/v1/export')"
  verdict   = "deny"
  reason    = "bulk export is off limits"
}
rule "sandbox-anything" {
  endpoint   = https.billing
  credential = header_token.billing-test
  verdict    = "allow"
}
rule "live-big-refund" {
  endpoint   = https.billing
  credential = header_token.billing-live
  priority   = 100
  condition  = <<-CEL
    http.method == 'POST'
    && http.path == '/v1/refunds'
    && (!has(http.body_json.amount) || http.body_json.amount > 5000)
  CEL
  verdict    = "deny"
  reason     = "refund over 50.00 or without an explicit amount"
}
rule "live-writes" {
  endpoint   = https.billing
  credential = header_token.billing-live
  condition  = "http.method != 'GET'"
  approve    = [human_approver.finance]
}
rule "fallback" {
  endpoint = https.billing
  priority = -100
  verdict  = "deny"
  reason   = "not covered by policy"
}

profile "default" {
  credentials = [header_token.billing-test, header_token.billing-live]
}
