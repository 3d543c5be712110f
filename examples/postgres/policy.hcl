# PostgreSQL: read; a person decides every INSERT, UPDATE, DELETE, DROP and TRUNCATE, warned of those that spare no row.
# Reads may call functions that only compute. Programs, files, roles and permissions are off limits.
#
#   clawpatrol secret set orders-db        the password of the user below
# sql.is_unqualified knows a missing WHERE, and one true of every row by its looks (1 = 1, id = id). That catches mistakes,
# not intent: `WHERE id > 0` may spare no row either, so a person sees every change. To let narrow ones through, give pg-change
# `verdict = "allow"`. The rights of the database user are the other half: give it no more than it needs.

endpoint "postgres" "orders" {
  host        = "orders-db.example.com:5432"
  sslmode     = "verify-full"
  description = "Orders database"
  unmatched   = "deny"
}

credential "postgres_credential" "orders-db" {
  endpoint = postgres.orders
  user     = "agent"
  database = "orders"
}

# --- off limits

rule "pg-programs" {
  endpoint  = postgres.orders
  priority  = 1000
  condition = "sql.uses_program"
  verdict   = "deny"
  reason    = "no programs on the server"
}

rule "pg-server-functions" {
  endpoint  = postgres.orders
  priority  = 900
  condition = <<-CEL
    sql.functions.exists(f, f.matches(r'^(pg_catalog\.)?(pg_read_|pg_ls_|pg_stat_file|pg_write_|pg_execute_|pg_terminate_|pg_cancel_|pg_reload_|pg_rotate_|pg_switch_|pg_promote|pg_create_|pg_drop_|pg_logical_|pg_file_|lo_|dblink|set_config|query_to_xml|table_to_xml|schema_to_xml|database_to_xml|cursor_to_xml)'))
  CEL
  verdict   = "deny"
  reason    = "functions that reach files, other servers or the server itself are off limits"
}

rule "pg-roles" {
  endpoint  = postgres.orders
  priority  = 900
  condition = "sets.intersects(sql.verbs, ['grant', 'revoke', 'set role', 'set local role', 'set session authorization', 'set local session authorization', 'load', 'lock', 'call', 'do'])"
  verdict   = "deny"
  reason    = "roles, permissions and code blocks are for people"
}

# --- a person decides

rule "pg-drop" {
  endpoint  = postgres.orders
  priority  = 500
  condition = "sets.intersects(sql.verbs, ['drop', 'truncate'])"
  approve   = [builtin.dashboard]
  reason    = "DROP or TRUNCATE"
}

rule "pg-change-every-row" {
  endpoint  = postgres.orders
  priority  = 450
  condition = "sql.is_unqualified"
  approve   = [builtin.dashboard]
  reason    = "DELETE, UPDATE or MERGE that spares no row of the table"
}

rule "pg-change" {
  endpoint  = postgres.orders
  priority  = 400
  condition = "sets.intersects(sql.verbs, ['delete', 'update', 'merge'])"
  approve   = [builtin.dashboard]
  reason    = "DELETE, UPDATE or MERGE"
}

rule "pg-insert" {
  endpoint  = postgres.orders
  priority  = 300
  condition = "sets.contains(['insert', 'select', 'explain', 'values'], sql.verbs) && 'insert' in sql.verbs"
  approve   = [builtin.dashboard]
  reason    = "INSERT"
}

# --- reads

# Tables with personal data: name yours, with the views and partitions of them, or delete the rule. The others are PostgreSQL's
# own: samples of every column, and what other sessions sent.
rule "pg-personal-data" {
  endpoint  = postgres.orders
  priority  = 200
  condition = <<-CEL
    sets.intersects(sql.tables, [
      'customers', 'customer_notes', 'users',
      'pg_stats', 'pg_stats_ext', 'pg_stats_ext_exprs', 'pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject',
      'pg_stat_activity', 'pg_stat_statements', 'pg_prepared_statements', 'pg_cursors',
    ])
  CEL
  approve   = [builtin.dashboard]
  reason    = "personal data"
}

# A function may do anything its body says, so only known ones pass. Nobody reads so many rows by chance.
rule "pg-read" {
  endpoint  = postgres.orders
  condition = <<-CEL
    !sql.is_write && sets.contains(['select', 'values', 'explain', 'show'], sql.verbs)
    && sql.functions.all(f, f.startsWith('pg_catalog.') || f in [
      'abs', 'age', 'array_agg', 'array_length', 'avg', 'bool_and', 'bool_or', 'btrim', 'cardinality', 'ceil', 'char_length',
      'coalesce', 'concat', 'concat_ws', 'count', 'current_database', 'current_schema', 'date_part', 'date_trunc', 'dense_rank',
      'extract', 'first_value', 'floor', 'format', 'generate_series', 'greatest', 'json_agg', 'json_build_object', 'jsonb_agg',
      'jsonb_build_object', 'lag', 'last_value', 'lead', 'least', 'left', 'length', 'lower', 'max', 'min', 'mode', 'now',
      'ntile', 'nullif', 'overlay', 'percentile_cont', 'percentile_disc', 'pg_relation_size', 'pg_size_pretty',
      'pg_total_relation_size', 'position', 'rank', 'regexp_replace', 'replace', 'right', 'round', 'row_number', 'row_to_json',
      'split_part', 'stddev', 'string_agg', 'substring', 'sum', 'timezone', 'to_char', 'to_date', 'to_json', 'to_jsonb',
      'to_timestamp', 'trim', 'unnest', 'upper', 'variance', 'version', 'width_bucket',
    ])
  CEL
  verdict    = "allow"
  limit_rows = 100000
}

# cancel: a request to end a statement that runs, as Ctrl-C sends it.
rule "pg-session" {
  endpoint  = postgres.orders
  condition = "sets.contains(['begin', 'commit', 'rollback', 'savepoint', 'release', 'cancel'], sql.verbs)"
  verdict   = "allow"
}

# Not search_path: with another one, a known name is another function.
rule "pg-set" {
  endpoint  = postgres.orders
  condition = <<-CEL
    sql.verb == 'set' && sql.statement.matches(
      r'(?i)^\s*SET\s+((SESSION|LOCAL)\s+)?(application_name|client_encoding|client_min_messages|datestyle|extra_float_digits|idle_in_transaction_session_timeout|lock_timeout|statement_timeout|timezone|time\s+zone)[\s=]')
  CEL
  verdict   = "allow"
}

rule "pg-default" {
  endpoint  = postgres.orders
  priority  = -100
  verdict   = "deny"
  reason    = "not on the list of what agents may run here"
}
