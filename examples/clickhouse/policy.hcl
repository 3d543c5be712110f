# ClickHouse: read tables; a person decides every INSERT, ALTER, DELETE, DROP and TRUNCATE. Nothing leaves by table functions.
# Reads may call functions that only compute. Other servers, files, programs, users and the server itself are off limits.
#
#   clawpatrol secret set metrics-ro       the password of the user below
#
# The rights of the database user are the other half: give it no more than it needs, and `readonly = 2` in its profile.

endpoint "clickhouse_native" "metrics" {
  hosts       = ["metrics.example.com"]
  tls         = true
  description = "Metrics, over the native protocol"
  unmatched   = "deny"
}

endpoint "clickhouse_https" "metrics-http" {
  hosts       = ["metrics.example.com:8443"]
  description = "Metrics, over HTTPS"
  unmatched   = "deny"
}

credential "clickhouse_credential" "metrics-ro" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  user      = "agent_ro"
}

# --- off limits

rule "ch-programs" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = 1000
  condition = "sql.uses_program"
  verdict   = "deny"
  reason    = "no programs on the server"
}

# url, remote, s3, file and the like: data would come from elsewhere, or go there.
rule "ch-outside" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = 900
  condition = <<-CEL
    sql.functions.exists(f, f.matches(r'^(url|file|remote|cluster|s3|gcs|azure|hdfs|mysql|postgresql|mongodb|redis|sqlite|odbc|jdbc|iceberg|deltalake|hudi|executable|input|dictionary|arrowflight)'))
  CEL
  verdict   = "deny"
  reason    = "files, other servers and buckets are off limits"
}

rule "ch-server" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = 900
  condition = "sets.intersects(sql.verbs, ['grant', 'revoke', 'set role', 'system', 'kill', 'attach', 'detach', 'backup', 'restore'])"
  verdict   = "deny"
  reason    = "users, rights and the server itself are for people"
}

# Other sessions' statements, users and keys.
rule "ch-system-tables" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = 800
  condition = <<-CEL
    sql.tables.exists(t, t.startsWith('system.') && !(t in ['system.columns', 'system.databases', 'system.functions', 'system.numbers', 'system.one', 'system.parts', 'system.tables']))
  CEL
  verdict   = "deny"
  reason    = "system tables show what others do"
}

# An agent must not lift what keeps the server in one piece.
rule "ch-settings" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = 800
  condition = "sql.settings.exists(name, name.matches(r'^(readonly|allow_|max_memory|max_execution_time$|max_rows|max_bytes)'))"
  verdict   = "deny"
  reason    = "limits of the server stay as they are"
}

# --- a person decides

rule "ch-drop" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = 500
  condition = "sets.intersects(sql.verbs, ['drop', 'truncate', 'rename', 'exchange'])"
  approve   = [builtin.dashboard]
  reason    = "DROP, TRUNCATE or RENAME"
}

rule "ch-change" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = 400
  condition = "sets.intersects(sql.verbs, ['alter', 'delete', 'update', 'optimize'])"
  approve   = [builtin.dashboard]
  reason    = "ALTER, DELETE or UPDATE"
}

rule "ch-insert" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = 300
  condition = "sets.contains(['insert', 'select'], sql.verbs) && 'insert' in sql.verbs"
  approve   = [builtin.dashboard]
  reason    = "INSERT"
}

# --- reads

rule "ch-read" {
  endpoints   = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  condition   = <<-CEL
    !sql.is_write && sets.contains(['select', 'explain', 'show', 'describe', 'exists', 'use'], sql.verbs)
    && sql.functions.all(f, f in [
      'abs', 'any', 'anylast', 'argmax', 'argmin', 'arrayjoin', 'avg', 'ceil', 'coalesce', 'concat', 'count', 'countif',
      'currentdatabase', 'date_trunc', 'datediff', 'floor', 'formatdatetime', 'greatest', 'grouparray',
      'if', 'ifnull', 'least', 'length', 'like', 'lower', 'max', 'min', 'multiif', 'now', 'nullif', 'position', 'quantile',
      'quantiles', 'replaceall', 'round', 'splitbychar', 'substring', 'sum', 'sumif', 'todate', 'todatetime', 'today',
      'tofloat64', 'toint64', 'tostartofday', 'tostartofhour', 'tostartofinterval', 'tostartofminute', 'tostring', 'touint64',
      'trim', 'uniq', 'uniqexact', 'upper', 'version', 'yesterday',
    ])
  CEL
  verdict     = "allow"
  limit_bytes = "64MiB"
}

rule "ch-default" {
  endpoints = [clickhouse_native.metrics, clickhouse_https.metrics-http]
  priority  = -100
  verdict   = "deny"
  reason    = "not on the list of what agents may run here"
}
