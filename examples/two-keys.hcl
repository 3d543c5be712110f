# One payment API, two keys. The agent holds a placeholder for each and chooses by sending one of them
# (in Authorization or a cookie); the gateway swaps in the key. Whatever no rule allows is denied.
schema_version = 1

gateway {
  wireguard {
    subnet_cidr = "10.78.0.0/24"
    endpoint    = "gate.example.com:51820"
  }

  limits {
    body_buffer = "256KiB"
  }
}

defaults {
  unknown_host = "deny"
}

endpoint "https" "payments" {
  hosts       = ["api.payments.example", "*.payments.example"]
  description = "Card payments"
  retention   = "2160h"
}

credential "header_token" "payments-test" {
  endpoint    = https.payments
  header      = "X-Payments-Key"
  placeholder = "PH_payments_test"
}

credential "header_token" "payments-live" {
  endpoint    = https.payments
  header      = "X-Payments-Key"
  placeholder = "PH_payments_live"
}

rule "no-bulk-export" {
  endpoint  = https.payments
  priority  = 200
  condition = "http.path.startsWith('/v1/export')"
  verdict   = "deny"
  reason    = "bulk export is off limits"
}

rule "test-key-anything" {
  endpoint   = https.payments
  credential = header_token.payments-test
  verdict    = "allow"
}

rule "live-big-refund" {
  endpoint   = https.payments
  credential = header_token.payments-live
  priority   = 100
  condition  = <<-CEL
    http.method == 'POST'
    && http.path == '/v1/refunds'
    && (!has(http.body_json.amount) || http.body_json.amount > 5000)
  CEL
  verdict    = "deny"
  reason     = "refund over 50.00, or without an amount"
}

rule "live-refund" {
  endpoint   = https.payments
  credential = header_token.payments-live
  condition  = "http.method == 'POST' && http.path == '/v1/refunds'"
  verdict    = "allow"
}

rule "live-read" {
  endpoint   = https.payments
  credential = header_token.payments-live
  condition  = "http.method == 'GET'"
  verdict    = "allow"
}

rule "everything-else" {
  endpoint = https.payments
  priority = -100
  verdict  = "deny"
  reason   = "not covered by policy"
}

profile "default" {
  credentials = [header_token.payments-test, header_token.payments-live]
}
