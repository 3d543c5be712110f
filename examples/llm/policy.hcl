# Model providers (Anthropic, OpenAI, Gemini): call models, 600 times an hour at most.
# Files, batches, keys and accounts are off limits.
#
#   clawpatrol secret set anthropic-key
#   clawpatrol secret set openai-key
#   clawpatrol secret set gemini-key
# Agents need a placeholder only: ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY = placeholder.

endpoint "https" "anthropic" {
  hosts       = ["api.anthropic.com"]
  description = "Claude models"
  unmatched   = "deny"
}

endpoint "https" "openai" {
  hosts       = ["api.openai.com"]
  description = "OpenAI models"
  unmatched   = "deny"
}

endpoint "https" "gemini" {
  hosts       = ["generativelanguage.googleapis.com"]
  description = "Gemini models"
  unmatched   = "deny"
}

credential "header_token" "anthropic-key" {
  endpoint = https.anthropic
  header   = "x-api-key"
}

credential "bearer_token" "openai-key" {
  endpoint = https.openai
}

credential "header_token" "gemini-key" {
  endpoint = https.gemini
  header   = "x-goog-api-key"
}

# Administration is named so that the agent reads why; whatever else is not allowed below is denied by unmatched.
rule "llm-account" {
  endpoints = [https.anthropic, https.openai, https.gemini]
  priority  = 1000
  condition = "http.path.matches('^/v[0-9a-z]+/(organizations?|projects|dashboard|usage|api_keys|admin|billing)(/|$)')"
  verdict   = "deny"
  reason    = "accounts, keys and billing are for people"
}

rule "llm-delete" {
  endpoints = [https.anthropic, https.openai, https.gemini]
  priority  = 900
  condition = "http.method == 'DELETE'"
  verdict   = "deny"
  reason    = "agents delete nothing at a model provider"
}

# At most 600 calls an hour from one device, over the three providers.
rule "anthropic-call" {
  endpoint  = https.anthropic
  condition = "http.method == 'POST' && http.path == '/v1/messages' && rate('model-calls', '1h') < 600"
  verdict   = "allow"
}

rule "openai-call" {
  endpoint  = https.openai
  condition = "http.method == 'POST' && http.path in ['/v1/responses', '/v1/chat/completions', '/v1/embeddings'] && rate('model-calls', '1h') < 600"
  verdict   = "allow"
}

rule "gemini-call" {
  endpoint  = https.gemini
  condition = <<-CEL
    http.method == 'POST'
    && http.path.matches('^/v1(beta)?/models/[A-Za-z0-9._-]+:(generateContent|streamGenerateContent|embedContent|batchEmbedContents)$')
    && rate('model-calls', '1h') < 600
  CEL
  verdict   = "allow"
}

rule "llm-too-many" {
  endpoints = [https.anthropic, https.openai, https.gemini]
  priority  = -10
  condition = "http.method == 'POST' && rate('model-calls', '1h') >= 600"
  verdict   = "deny"
  reason    = "600 model calls an hour are enough: wait, or ask for more"
}

# --- what costs and changes nothing

rule "anthropic-look" {
  endpoint  = https.anthropic
  priority  = 10
  condition = <<-CEL
    (http.method == 'GET' && http.path.matches('^/(v1/models(/[^/]+)?|api/hello)$'))
    || (http.method == 'POST' && http.path == '/v1/messages/count_tokens')
  CEL
  verdict   = "allow"
}

rule "openai-look" {
  endpoint  = https.openai
  priority  = 10
  condition = <<-CEL
    (http.method == 'GET' && http.path.matches('^/v1/models(/[^/]+)?$'))
    || (http.method == 'POST' && http.path in ['/v1/moderations', '/v1/responses/input_tokens'])
  CEL
  verdict   = "allow"
}

rule "gemini-look" {
  endpoint  = https.gemini
  priority  = 10
  condition = <<-CEL
    (http.method == 'GET' && http.path.matches('^/v1(beta)?/models(/[^/]+)?$'))
    || (http.method == 'POST' && http.path.matches('^/v1(beta)?/models/[A-Za-z0-9._-]+:countTokens$'))
  CEL
  verdict   = "allow"
}

# Tools that the provider runs and that reach servers an agent chooses: what is in the prompt could go anywhere.
rule "llm-tools-that-reach-out" {
  endpoints = [https.anthropic, https.openai, https.gemini]
  priority  = 500
  condition = <<-CEL
    http.method == 'POST' && (has(http.body_json.mcp_servers)
      || (has(http.body_json.tools) && http.body_json.tools.exists(t,
        (has(t.type) && t.type.matches('^(mcp|web_fetch)')) || has(t.url_context) || has(t.urlContext))))
  CEL
  verdict   = "deny"
  reason    = "the provider must not connect to servers for an agent"
}

# A prompt with a private key in plain sight goes nowhere: against accidents, not against who encodes one. A body too long to be looked through denies here: calls with more than
# limits.body_buffer bytes (1 MiB, images for example) need a larger buffer.
rule "llm-no-private-keys" {
  endpoints = [https.anthropic, https.openai, https.gemini]
  priority  = 600
  condition = "http.method == 'POST' && http.body.matches('-----BEGIN [A-Z ]*PRIVATE KEY-----')"
  verdict   = "deny"
  reason    = "the prompt contains a private key"
}
