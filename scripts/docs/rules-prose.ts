/** What a rule is. */
export const introduction = `A rule names endpoints, a condition over what an agent wants to do there, and an outcome: \`verdict = "allow"\`,
\`verdict = "deny"\` or \`approve = […]\`, the approvers who must all agree.

\`\`\`hcl
rule "refunds" {
  endpoint  = https.payments
  priority  = 100
  condition = "http.method == 'POST' && http.path == '/v1/refunds' && http.body_json.amount > 50"
  approve   = [builtin.dashboard]
  reason    = "refunds over 50 need a person"
}
\`\`\`

This version has no approvers yet: what a rule asks approval for is denied.`

/** How the walk goes. */
export const decisionOrder = `1. The endpoint is the one of the device's profile that claims the host. No endpoint: \`defaults { unknown_host }\`.
2. The credential is the one of the profile on this endpoint; several are told apart by placeholder, user or database.
3. The rules of the endpoint are walked by \`priority\`, higher first; equal ones in the order they are written, files by name.
   A rule that is disabled, or for another credential, is passed over. The first rule whose condition is true decides.
   A rule whose condition cannot be decided denies, whatever its outcome would be.
4. When none matched, \`unmatched\` of the endpoint decides, else \`unmatched\` in \`defaults\`, else the action is allowed.
   On SQL endpoints with at least one rule, a statement that was not understood needs a rule that matched.

What arrives as several statements is judged one by one: all must be allowed, or nothing is sent.`

/** What SQL facts see and cannot see. */
export const sqlFacts = `\`sql.verbs\`, \`sql.tables\`, \`sql.functions\` and \`sql.is_write\` look through everything that runs with the statement:
CTEs, \`EXPLAIN ANALYZE\`, \`DO\` blocks, \`COPY\`, \`MERGE\` actions, \`ON CONFLICT\`. What cannot be looked through, such as SQL
put together at run time, is unknown. \`sql.is_unqualified\` knows a missing \`WHERE\`, and one that says nothing of the row:
\`true\`, \`1 = 1\`, \`id = id\`. That catches mistakes; \`WHERE id > 0\` may spare no row either, so a policy that fears
\`DELETE\` asks for every one. Triggers, views, partitions and the bodies of functions are not in any fact. A function that is
not PostgreSQL's own may write whatever its body says: with one, \`sql.is_write\` is unknown, but \`orders.price_with_tax\` looks
like a column even where it is such a function: give the database user no right to run those that do harm. Allow the
functions you know rather than forbid those you fear. On ClickHouse, \`sql.functions\` has the table functions too: \`url\`, \`remote\`,
\`s3\`, \`file\` take data out.

\`sql.params\` holds bind parameters as the agent wrote them, and those in binary form, and whole numbers where the agent or
the server said that they are some, as the server prints them. Most values can be written in more than one way (\`7\`, \`7.0\`,
\`' 07'\`): allow those you know rather than forbid those you fear. A statement that is only prepared has none yet: a rule that hangs on one lets it be prepared, and decides each
time it runs. Parameters nobody can read (binary of a type of one's own, more than 64 KiB) are unknown, for rules that read
them alone. Not every statement has the parameter you mean, so ask first:

\`\`\`hcl
rule "own-tenant" {
  endpoint    = postgres.orders
  condition   = "'tenants' in sql.tables && '1' in sql.params && sql.params['1'] == '42'"
  verdict     = "allow"
  limit_rows  = 1000
  limit_bytes = "4MiB"
}
\`\`\`

\`limit_rows\` and \`limit_bytes\` hold for what the rule lets pass: one row more, and the statement ends with an error (on
PostgreSQL \`54000\`) after the rows it may give. On PostgreSQL all executions of a portal count together, a line of \`COPY\` is
a row, and each \`FETCH\` of a cursor is a statement of its own.`

/** What unknown means to a condition. */
export const unknowns = `A fact that could not be determined is *unknown*: a body longer than \`limits.body_buffer\`, SQL that does not parse, an
encoding nobody can decode. Unknown is not empty. It spreads through every operator, macro and \`has()\`, with three exceptions,
in either order:

| expression | result |
| --- | --- |
| \`false && unknown\` | false |
| \`true \\|\\| unknown\` | true |
| \`known ? a : b\` | the branch taken, whatever the other is |

A condition that ends unknown cannot be decided, so the rule denies. Only rules that read the unknown fact are touched: with a
body too long to inspect, \`http.method == 'POST' && http.body.contains('x')\` is simply false for a \`GET\`, and a rule without
condition matches. Errors behave the same way.

Write deny rules so that they read as little as possible, and read cheap facts first: order does not matter for the result, but
\`false &&\` keeps a rule out of the way of actions it is not about.`

/** What shadow rules are for. */
export const shadow = `With \`mode = "shadow"\` a rule is evaluated and never decides. Where it would have decided, the record says so: what it would
have done, in the order the rules are walked and before the rule that did decide. Use it to try a rule on live traffic before
it counts; \`clawpatrol what-if\` does the same with traffic of the past.`

/** How to use `now`. */
export const timeWindows = `\`now\` is the time the action is judged, so a rule can hold during some hours only:

\`\`\`hcl
rule "office-hours" {
  endpoint  = https.payments
  condition = "now.getDayOfWeek('Europe/Paris') in [0, 6] || now.getHours('Europe/Paris') < 9 || now.getHours('Europe/Paris') >= 18"
  verdict   = "deny"
  reason    = "only Monday to Friday, 9 to 18, Paris time"
}
\`\`\`

Always name the zone: without one it is UTC.`

/** What `rate()` counts. */
export const rates = `\`rate("name", "10m")\` is the number of actions that were allowed within the last ten minutes and on whose way a rule read
this counter. Counters belong to the device, or with a third argument \`"profile"\` to all devices of the profile; they are
shared by all endpoints and workers of the gateway. All arguments are literals; a window is 1s to 720h, and two
windows of one name are two counters. Five refunds an hour, where nothing else allows them (\`unmatched = "deny"\`):

\`\`\`hcl
rule "few-refunds" {
  endpoint  = https.payments
  condition = "http.method == 'POST' && http.path == '/v1/refunds' && rate('refunds', '1h') < 5"
  verdict   = "allow"
}
\`\`\`

What is denied does not count. What needs approval counts once it is approved. Counters are kept in memory: a gateway that
restarts begins at zero. There are 10,000 at most, 64 of one endpoint; a rule that would need one more cannot be evaluated.
A rule in shadow mode reads counters that enforced rules of the endpoint name, and does not count there.`
