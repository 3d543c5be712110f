# GitHub: read everything and propose changes; a person merges, deletes and pushes.
# Agents comment, open issues and pull requests, and write to branches of their own (agent/…). Running workflows needs a
# person too. Settings, secrets and members are off limits. Put your organisation or user in place of acme in
# github-repositories-of-others: elsewhere on GitHub, where everybody reads what an agent writes, a person decides.
#
# The same token is stored twice, once for the API and once for git:
#   clawpatrol secret set github-token
#   clawpatrol secret set github-git-token
# Agents need a placeholder only, e.g. GH_TOKEN=placeholder; the gateway puts the token in.

endpoint "https" "github" {
  hosts       = ["api.github.com", "uploads.github.com"]
  description = "GitHub API"
  unmatched   = "deny"
}

endpoint "https" "github-git" {
  hosts       = ["github.com"]
  description = "Git repositories on GitHub"
  unmatched   = "deny"
}

endpoint "https" "github-files" {
  hosts = [
    "codeload.github.com",
    "objects.githubusercontent.com",
    "raw.githubusercontent.com",
    "release-assets.githubusercontent.com",
  ]
  description = "Archives, raw files and release assets"
  unmatched   = "deny"
}

credential "bearer_token" "github-token" {
  endpoint = https.github
}

credential "basic_auth" "github-git-token" {
  endpoint = https.github-git
  username = "x-access-token"
}

credential "passthrough" "github-public" {
  endpoint = https.github-files
}

# --- off limits, whatever else is allowed

rule "github-no-override" {
  endpoint  = https.github
  priority  = 1100
  condition = "http.headers.exists(name, name.matches('(?i)method'))"
  verdict   = "deny"
  reason    = "a header must not change the method"
}

rule "github-settings" {
  endpoint  = https.github
  priority  = 1000
  condition = <<-CEL
    http.method != 'GET' && http.method != 'HEAD' && (
      http.path.matches('^/repos/[^/]+/[^/]+/?$')
      || http.path.matches('^/repos/[^/]+/[^/]+/(transfer|collaborators|hooks|keys|rulesets|autolinks|pages|environments|interaction-limits|invitations|branches/.+/protection|vulnerability-alerts|automated-security-fixes|private-vulnerability-reporting|topics|properties)(/|$)')
      || http.path.matches('^/repos/[^/]+/[^/]+/(actions|dependabot|codespaces)/(secrets|variables|permissions|runners|oidc|organization-secrets)(/|$)')
      || http.path.matches('^/(orgs|teams|enterprises|user|admin|app|apps|applications|authorizations|scim|organizations|repositories)(/|$)')
    )
  CEL
  verdict   = "deny"
  reason    = "settings, members, keys and secrets are changed by people"
}

rule "github-workflow-files" {
  endpoint  = https.github
  priority  = 900
  condition = <<-CEL
    !(http.method in ['GET', 'HEAD']) && http.path.matches(r'(?i)/contents/(.*/)?\.github(/|$)')
  CEL
  verdict   = "deny"
  reason    = "workflow files run with the secrets of the repository"
}

# Their answers hold the secrets that were found.
rule "github-leaked-secrets" {
  endpoint  = https.github
  priority  = 1000
  condition = "http.path.matches('(?i)/secret-scanning(/|$)')"
  verdict   = "deny"
  reason    = "leaked secrets are for people"
}

rule "github-repositories-of-others" {
  endpoint  = https.github
  priority  = 500
  condition = <<-CEL
    !(http.method in ['GET', 'HEAD']) && http.path.startsWith('/repos/') && !http.path.startsWith('/repos/acme/')
  CEL
  approve   = [builtin.dashboard]
  reason    = "write to a repository of others"
}

# Bots take orders from comments: /merge, @dependabot merge, bors r+.
rule "github-orders-to-bots" {
  endpoint  = https.github
  priority  = 200
  condition = <<-CEL
    http.method == 'POST'
    && http.path.matches('^/repos/[^/]+/[^/]+/((issues|pulls)/[0-9]+/(comments|reviews)(/[0-9]+/replies)?|issues|pulls)$')
    && has(http.body_json.body)
    && string(http.body_json.body).matches(r'(?im)^[\s>*-]*/[a-z]|@[a-z0-9-]*(bot|bors|mergify|renovate|copilot|claude|codex)|^\s*bors\s')
  CEL
  approve   = [builtin.dashboard]
  reason    = "give orders to a bot"
}

# --- reads

rule "github-read" {
  endpoint  = https.github
  priority  = 100
  condition = "http.method in ['GET', 'HEAD'] && http.path != '/graphql'"
  verdict   = "allow"
}

# A GraphQL document that changes something contains the word mutation.
rule "github-graphql-read" {
  endpoint  = https.github
  priority  = 100
  condition = <<-CEL
    http.method == 'POST' && http.path == '/graphql' && size(http.query) == 0
    && has(http.body_json.query) && type(http.body_json.query) == string
    && !http.body_json.query.contains('mutation') && !http.body_json.query.contains('subscription')
  CEL
  verdict   = "allow"
}

# --- proposals: nothing takes effect before somebody merges it

rule "github-comment" {
  endpoint  = https.github
  condition = <<-CEL
    http.method == 'POST'
    && http.path.matches('^/repos/[^/]+/[^/]+/(issues|pulls)/[0-9]+/comments(/[0-9]+/replies)?$')
  CEL
  verdict   = "allow"
}

rule "github-propose" {
  endpoint  = https.github
  condition = "http.method == 'POST' && http.path.matches('^/repos/[^/]+/[^/]+/(issues|pulls)$')"
  verdict   = "allow"
}

# A review that only comments; approving is for people.
rule "github-review" {
  endpoint  = https.github
  condition = <<-CEL
    http.method == 'POST' && http.path.matches('^/repos/[^/]+/[^/]+/pulls/[0-9]+/reviews$')
    && size(http.query) == 0 && has(http.body_json.event) && http.body_json.event == 'COMMENT'
  CEL
  verdict   = "allow"
}

rule "github-own-branch" {
  endpoint  = https.github
  condition = <<-CEL
    http.method == 'POST' && http.path.matches('^/repos/[^/]+/[^/]+/git/refs$')
    && size(http.query) == 0 && has(http.body_json.ref) && http.body_json.ref.startsWith('refs/heads/agent/')
  CEL
  verdict   = "allow"
}

# Without branch, the default branch would be written to.
rule "github-own-file" {
  endpoint  = https.github
  condition = <<-CEL
    http.method == 'PUT' && http.path.matches('^/repos/[^/]+/[^/]+/contents/.')
    && size(http.query) == 0 && has(http.body_json.branch) && http.body_json.branch.startsWith('agent/')
  CEL
  verdict   = "allow"
}

# --- a person decides

rule "github-merge" {
  endpoint  = https.github
  condition = <<-CEL
    (http.method == 'PUT' && http.path.matches('^/repos/[^/]+/[^/]+/pulls/[0-9]+/merge$'))
    || (http.method == 'POST' && http.path.matches('^/repos/[^/]+/[^/]+/(merges|merge-upstream)$'))
  CEL
  approve   = [builtin.dashboard]
  reason    = "merge"
}

rule "github-delete" {
  endpoint  = https.github
  condition = "http.method == 'DELETE' && http.path.startsWith('/repos/')"
  approve   = [builtin.dashboard]
  reason    = "delete"
}

rule "github-run-workflow" {
  endpoint  = https.github
  condition = "http.method == 'POST' && http.path.matches('^/repos/[^/]+/[^/]+/(actions/.+/(dispatches|rerun|rerun-failed-jobs)|dispatches)$')"
  approve   = [builtin.dashboard]
  reason    = "run a workflow"
}

rule "github-graphql-change" {
  endpoint  = https.github
  condition = "http.method == 'POST' && http.path == '/graphql'"
  approve   = [builtin.dashboard]
  reason    = "change through GraphQL"
}

rule "github-other-change" {
  endpoint  = https.github
  priority  = -10
  condition = "http.method in ['POST', 'PUT', 'PATCH'] && http.path.startsWith('/repos/')"
  approve   = [builtin.dashboard]
  reason    = "change in a repository"
}

# --- git over HTTPS

rule "git-fetch" {
  endpoint  = https.github-git
  condition = <<-CEL
    (http.method == 'GET' && http.path.matches('^/[^/]+/[^/]+/info/refs$')
      && 'service' in http.query && http.query['service'] == ['git-upload-pack'])
    || (http.method == 'POST' && http.path.matches('^/[^/]+/[^/]+/git-upload-pack$'))
  CEL
  verdict   = "allow"
}

rule "git-lfs-download" {
  endpoint  = https.github-git
  condition = <<-CEL
    http.method == 'POST' && http.path.matches('^/[^/]+/[^/]+/info/lfs/objects/batch$')
    && has(http.body_json.operation) && http.body_json.operation == 'download'
  CEL
  verdict   = "allow"
}

# HTTP shows that a repository is pushed to, not reliably which branch: protect the default branch on GitHub too.
rule "git-push" {
  endpoint  = https.github-git
  condition = <<-CEL
    (http.method == 'GET' && http.path.matches('^/[^/]+/[^/]+/info/refs$')
      && 'service' in http.query && 'git-receive-pack' in http.query['service'])
    || (http.method == 'POST' && http.path.matches('^/[^/]+/[^/]+/git-receive-pack$'))
  CEL
  approve   = [builtin.dashboard]
  reason    = "push to a repository"
}

rule "github-download" {
  endpoint  = https.github-git
  priority  = -10
  condition = <<-CEL
    http.method in ['GET', 'HEAD'] && !http.path.endsWith('/info/refs')
    && http.path.matches('^/[^/]+/[^/]+/(archive|releases/download|releases/latest|raw)(/|$)')
  CEL
  verdict   = "allow"
}

rule "github-files-read" {
  endpoint  = https.github-files
  condition = "http.method in ['GET', 'HEAD']"
  verdict   = "allow"
}
