schema_version = 1

gateway {
  tailscale {
    authkey   = "{{secret:TS_AUTHKEY}}"
    hostname  = "gate"
    tags      = ["tag:agent"]
    operators = ["*@acme.test"]
    funnel    = true
  }
}

endpoint "kubernetes" "stage" {
  server  = "10.40.0.10:6443"
}
endpoint "kubernetes" "live" {
  hosts        = ["*.eks.acme.test"]
  cluster_name = "live"
  region       = "eu-west-1"
}

credential "mtls_credential" "stage-cert" {
  endpoint = kubernetes.stage
}
credential "bearer_token" "live-sa" {
  endpoint = kubernetes.live
}

approver "human_approver" "sre" {
  channel = "#sre"
}

rule "secrets-never" {
  endpoints = [kubernetes.stage, kubernetes.live]
  priority  = 1000
  condition = "k8s.resource == 'secrets' || k8s.resource.startsWith('secrets/')"
  verdict   = "deny"
  reason    = "secret objects stay in the cluster"
}
rule "no-interactive-exec" {
  endpoints = [kubernetes.stage, kubernetes.live]
  priority  = 900
  condition = <<-CEL
    k8s.resource in ['pods/exec', 'pods/attach']
    && 'stdin' in k8s.params && k8s.params.stdin == 'true'
  CEL
  verdict   = "deny"
  reason    = "interactive sessions cannot be reviewed"
}
rule "discovery" {
  endpoints = [kubernetes.stage, kubernetes.live]
  condition = "k8s.verb == 'meta'"
  verdict   = "allow"
}
rule "reads" {
  endpoints = [kubernetes.stage, kubernetes.live]
  condition = "k8s.verb in ['get', 'list', 'watch'] && k8s.resource != ''"
  verdict   = "allow"
}
rule "stage-debug-pods" {
  endpoint  = kubernetes.stage
  condition = "k8s.resource.startsWith('pods') && k8s.name.startsWith('dbg-')"
  verdict   = "allow"
}
rule "live-restart" {
  endpoint  = kubernetes.live
  condition = "k8s.verb == 'delete' && k8s.resource == 'pods' && k8s.name != ''"
  approve   = [human_approver.sre]
  reason    = "pod restart in live"
}
rule "k8s-default" {
  endpoints = [kubernetes.stage, kubernetes.live]
  priority  = -100
  verdict   = "deny"
}

profile "sre-bot" {
  credentials = [mtls_credential.stage-cert, bearer_token.live-sa]
}
