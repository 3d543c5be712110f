# Kubernetes: read all but secrets; a person decides changes in a namespace and exec.
# Secrets, permissions, cluster-wide objects and whole collections are off limits.
#
#   clawpatrol secret set cluster-token
# Put the address of the API server into hosts, and its CA beside this file (ca_cert = "<<file:cluster-ca.pem>>").

endpoint "kubernetes" "cluster" {
  hosts       = ["cluster.example.com:6443"]
  description = "Kubernetes cluster"
  unmatched   = "deny"
}

credential "bearer_token" "cluster-token" {
  endpoint = kubernetes.cluster
}

# --- off limits

rule "k8s-no-impersonation" {
  endpoint  = kubernetes.cluster
  priority  = 1100
  condition = "http.headers.exists(name, name.startsWith('Impersonate-') || name.startsWith('X-Remote-'))"
  verdict   = "deny"
  reason    = "nobody acts as somebody else"
}

rule "k8s-secrets" {
  endpoint  = kubernetes.cluster
  priority  = 1000
  condition = <<-CEL
    k8s.resource == 'secrets' || k8s.resource.startsWith('secrets/')
    || k8s.resource.matches('(^|/)([a-z]*tokens?|[a-z]*kubeconfigs?)$')
  CEL
  verdict   = "deny"
  reason    = "secrets stay in the cluster"
}

rule "k8s-proxy" {
  endpoint  = kubernetes.cluster
  priority  = 1000
  condition = "k8s.resource.matches('(^|/)(proxy|portforward)$')"
  verdict   = "deny"
  reason    = "what goes through a proxy or a forwarded port cannot be seen"
}

rule "k8s-permissions" {
  endpoint  = kubernetes.cluster
  priority  = 900
  condition = <<-CEL
    !(k8s.verb in ['get', 'list', 'watch'])
    && (k8s.group in ['rbac.authorization.k8s.io', 'certificates.k8s.io', 'admissionregistration.k8s.io']
      || k8s.resource == 'serviceaccounts')
  CEL
  verdict   = "deny"
  reason    = "permissions are changed by people"
}

# What one may do, asked with a POST that changes nothing: kubectl auth can-i.
rule "k8s-can-i" {
  endpoint  = kubernetes.cluster
  priority  = 800
  condition = <<-CEL
    k8s.verb == 'create' && k8s.group == 'authorization.k8s.io'
    && k8s.resource in ['selfsubjectaccessreviews', 'selfsubjectrulesreviews']
  CEL
  verdict   = "allow"
}

rule "k8s-cluster-wide" {
  endpoint  = kubernetes.cluster
  priority  = 700
  condition = <<-CEL
    !(k8s.verb in ['get', 'list', 'watch', 'meta']) && (k8s.namespace == '' || k8s.resource.startsWith('namespaces'))
  CEL
  verdict   = "deny"
  reason    = "namespaces and cluster-wide objects are changed by people"
}

rule "k8s-whole-collection" {
  endpoint  = kubernetes.cluster
  priority  = 700
  condition = "k8s.verb == 'delete' && k8s.is_collection"
  verdict   = "deny"
  reason    = "delete objects one by one"
}

# --- a person decides; exec comes before reads, since it may be a GET

rule "k8s-exec" {
  endpoint  = kubernetes.cluster
  priority  = 600
  condition = "k8s.resource in ['pods/exec', 'pods/attach', 'pods/ephemeralcontainers']"
  approve   = [builtin.dashboard]
  reason    = "run a command in a pod"
}

# An eviction is a delete by another name.
rule "k8s-delete" {
  endpoint  = kubernetes.cluster
  condition = "k8s.verb == 'delete' || k8s.resource == 'pods/eviction'"
  approve   = [builtin.dashboard]
  reason    = "delete an object"
}

rule "k8s-change" {
  endpoint  = kubernetes.cluster
  condition = "k8s.verb in ['create', 'update', 'patch']"
  approve   = [builtin.dashboard]
  reason    = "change an object"
}

# --- reads

rule "k8s-discovery" {
  endpoint  = kubernetes.cluster
  condition = "k8s.verb == 'meta' && http.method in ['GET', 'HEAD']"
  verdict   = "allow"
}

# A GET of another sub-resource may open a console or a tunnel, above all in APIs that are added to a cluster.
rule "k8s-read" {
  endpoint  = kubernetes.cluster
  condition = "k8s.verb in ['get', 'list', 'watch'] && k8s.resource.matches('^[^/]+(/(log|status|scale))?$')"
  verdict   = "allow"
}
