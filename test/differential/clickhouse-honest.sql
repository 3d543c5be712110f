SELECT 1
SELECT 1 + 1 AS two, 'a' AS b, [1, 2, 3] AS c, (1, 'x') AS d
SELECT count() FROM events
SELECT count(*) FROM db.events WHERE ts >= now() - INTERVAL 1 DAY
SELECT * FROM system.tables WHERE database = 'default' LIMIT 10
SELECT name, engine FROM system.tables FORMAT JSONEachRow
SELECT a, b FROM t ORDER BY a DESC, b ASC NULLS LAST LIMIT 10 OFFSET 5
SELECT a FROM t LIMIT 5, 10
SELECT a, b FROM t LIMIT 2 BY a LIMIT 10
SELECT DISTINCT a FROM t
SELECT DISTINCT ON (a, b) a, b, c FROM t
SELECT a FROM t WHERE b IN (1, 2, 3) AND c NOT IN ('x', 'y')
SELECT a FROM t WHERE b IN (SELECT id FROM other)
SELECT a FROM t WHERE (a, b) GLOBAL IN (SELECT a, b FROM other)
SELECT a FROM t WHERE b BETWEEN 1 AND 10 AND c LIKE '%x%' AND d ILIKE 'y%' AND e NOT LIKE 'z'
SELECT a FROM t WHERE NOT (b = 1 OR c != 2) AND d IS NOT NULL AND e IS NULL
SELECT a, sum(b) AS total FROM t GROUP BY a HAVING total > 10
SELECT a, b, sum(c) FROM t GROUP BY a, b WITH ROLLUP
SELECT a, b, sum(c) FROM t GROUP BY a, b WITH CUBE
SELECT a, sum(c) FROM t GROUP BY a WITH TOTALS
SELECT a, b, sum(c) FROM t GROUP BY GROUPING SETS ((a, b), (a), ())
SELECT a, sum(c) FROM t GROUP BY ALL ORDER BY ALL
SELECT a, sum(c) FROM t GROUP BY ROLLUP(a, b)
SELECT quantile(0.9)(latency), quantiles(0.5, 0.9, 0.99)(latency) FROM requests
SELECT uniqExact(user_id), uniqIf(user_id, status = 200), countIf(status >= 500) FROM logs
SELECT arrayMap(x -> x + 1, arr), arrayFilter((x, i) -> i > 2, arr, idx) FROM t
SELECT arrayJoin([1, 2, 3]) AS x
SELECT a, x FROM t ARRAY JOIN arr AS x
SELECT a, x, n FROM t LEFT ARRAY JOIN arr AS x, arrayEnumerate(arr) AS n
SELECT t.a, u.name FROM t INNER JOIN users AS u ON t.user_id = u.id
SELECT t.a, u.name FROM t LEFT JOIN users u USING (user_id)
SELECT a FROM t ANY LEFT JOIN u USING id
SELECT a FROM t GLOBAL ANY INNER JOIN u ON t.id = u.id
SELECT a FROM t ASOF JOIN u ON t.id = u.id AND t.ts >= u.ts
SELECT a FROM t FULL OUTER JOIN u ON t.id = u.id
SELECT a FROM t CROSS JOIN u
SELECT a FROM t, u WHERE t.id = u.id
SELECT a FROM t SEMI LEFT JOIN u USING id
SELECT a FROM t LEFT ANTI JOIN u ON t.id = u.id
SELECT a FROM t PASTE JOIN u
SELECT * FROM (SELECT a, b FROM t) AS s WHERE s.a > 1
SELECT * FROM t FINAL WHERE a = 1
SELECT * FROM t SAMPLE 1 / 10 OFFSET 1 / 2
SELECT * FROM t AS x FINAL PREWHERE a = 1 WHERE b = 2
SELECT a FROM t UNION ALL SELECT b FROM u
SELECT a FROM t UNION DISTINCT SELECT b FROM u UNION ALL SELECT c FROM v
SELECT a FROM t INTERSECT SELECT b FROM u
SELECT a FROM t EXCEPT SELECT b FROM u
(SELECT a FROM t) UNION ALL (SELECT b FROM u)
SELECT * EXCEPT (a, b) FROM t
SELECT * EXCEPT a FROM t
SELECT * REPLACE (a + 1 AS a) FROM t
SELECT * APPLY (sum) FROM t
SELECT COLUMNS('^a') FROM t
SELECT COLUMNS(a, b) APPLY(toString) FROM t
SELECT t.* FROM t
SELECT t.* EXCEPT (a), u.b FROM t JOIN u USING id
WITH x AS (SELECT a FROM t) SELECT * FROM x
WITH x AS (SELECT a FROM t), y AS (SELECT b FROM u) SELECT * FROM x, y
WITH 5 AS n SELECT a + n FROM t
WITH (SELECT max(a) FROM t) AS m SELECT * FROM u WHERE a = m
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT n FROM r
WITH sum(a) AS s SELECT s FROM t
WITH x AS MATERIALIZED (SELECT 1 AS a) SELECT a FROM x
SELECT CASE WHEN a > 1 THEN 'x' WHEN a > 2 THEN 'y' ELSE 'z' END AS c FROM t
SELECT CASE a WHEN 1 THEN 'x' ELSE 'y' END FROM t
SELECT if(a > 1, 'x', 'y'), multiIf(a = 1, 'x', a = 2, 'y', 'z') FROM t
SELECT a > 1 ? 'x' : 'y' FROM t
SELECT CAST(a AS UInt32), CAST(a, 'String'), a::Float64, toDate('2024-01-01') FROM t
SELECT CAST(a AS Nullable(Decimal(10, 2))), CAST(b AS Array(Tuple(x UInt8, y String))) FROM t
SELECT EXTRACT(YEAR FROM ts), extract(ts, '\\d+') FROM t
SELECT SUBSTRING(name FROM 2 FOR 3), substring(name, 1, 2) FROM t
SELECT trim(BOTH 'x' FROM name), trim(name), TRIM(LEADING '0' FROM code) FROM t
SELECT position('a' IN name), position(name, 'a') FROM t
SELECT DATE_ADD(DAY, 1, ts), date_add(ts, INTERVAL 2 MONTH), dateDiff('day', a, b), DATE_DIFF(HOUR, a, b) FROM t
SELECT DATE '2024-01-01', TIMESTAMP '2024-01-01 00:00:00', INTERVAL '1 day', INTERVAL 3 HOUR
SELECT toStartOfInterval(ts, INTERVAL 15 MINUTE) AS slot, count() FROM t GROUP BY slot ORDER BY slot WITH FILL STEP INTERVAL 15 MINUTE
SELECT n FROM t ORDER BY n WITH FILL FROM 0 TO 10 STEP 2 INTERPOLATE (a AS a + 1)
SELECT name FROM t ORDER BY name COLLATE 'en'
SELECT a, row_number() OVER (PARTITION BY b ORDER BY c DESC) AS rn FROM t
SELECT a, sum(b) OVER (ORDER BY c ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t
SELECT a, avg(b) OVER w FROM t WINDOW w AS (PARTITION BY c ORDER BY d RANGE BETWEEN 3 PRECEDING AND 1 FOLLOWING)
SELECT a, lagInFrame(b, 1) OVER (PARTITION BY c ORDER BY d ROWS 2 PRECEDING) AS prev FROM t QUALIFY prev > 1
SELECT first_value(a) IGNORE NULLS OVER w, anyLast(b) RESPECT NULLS FROM t WINDOW w AS (ORDER BY c)
SELECT sum(a) FILTER (WHERE b > 1) FROM t
SELECT count(DISTINCT a) FROM t
SELECT arr[1], arr[-1], tup.1, tup.2, m['key'], nested.x FROM t
SELECT json.a.b, json.a[1].c FROM t
SELECT (a, b) = (1, 2), tuple(a, b) FROM t
SELECT a || b || 'c', a % 2, a DIV 2, a MOD 2, -a, - -a FROM t
SELECT 0x1F, 0b101, 1e10, 1.5, .5, 1_000_000, inf, nan, NULL, true, false
SELECT a == 1, a <> 1, a != 1, a <=> 1, a <= 1, a >= 1 FROM t
SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b FROM t
SELECT EXISTS(SELECT 1 FROM t WHERE a = 1)
SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id)
SELECT * FROM t WHERE a = ANY (SELECT b FROM u)
SELECT * FROM t WHERE a > ALL (SELECT b FROM u)
SELECT (SELECT max(a) FROM t) AS m, (SELECT 1)
SELECT number FROM numbers(10)
SELECT number FROM numbers(5, 10) WHERE number % 2 = 0
SELECT * FROM generateRandom('a UInt8, b String', 1, 10, 2) LIMIT 10
SELECT * FROM generateSeries(1, 10, 2)
SELECT * FROM zeros(10)
SELECT * FROM url('https://example.com/data.csv', 'CSV', 'a UInt8, b String')
SELECT * FROM url('https://example.com/data.csv', CSV, 'a UInt8', headers('Accept'='text/csv'))
SELECT * FROM s3('https://bucket.s3.amazonaws.com/key.parquet', 'Parquet')
SELECT * FROM s3Cluster('c', 'https://bucket.s3.amazonaws.com/*.csv', 'CSV')
SELECT * FROM file('data.csv', 'CSV', 'a UInt8')
SELECT * FROM remote('host:9000', db.t)
SELECT * FROM remote('host:9000', 'db', 't', 'user', 'password')
SELECT * FROM remoteSecure('host', db, t)
SELECT * FROM remote('127.0.0.{1,2}', system.one)
SELECT * FROM cluster('c', db.t)
SELECT * FROM clusterAllReplicas('c', system, tables)
SELECT * FROM clusterAllReplicas(default, system.query_log) WHERE event_date = today()
SELECT * FROM mysql('host:3306', 'db', 'orders', 'user', 'password')
SELECT * FROM postgresql('host:5432', 'db', 'orders', 'user', 'password', 'public')
SELECT * FROM view(SELECT a FROM t)
SELECT * FROM dictionary('db.d')
SELECT * FROM executable('gen.py', TabSeparated, 'a UInt8', (SELECT number FROM numbers(3)))
SELECT * FROM values('a UInt8, b String', (1, 'x'), (2, 'y'))
SELECT * FROM format(JSONEachRow, '{"a": 1}')
SELECT * FROM by_user(user_id = 5)
SELECT dictGet('db.d', 'name', toUInt64(id)) FROM t
SELECT dictGetOrDefault('d', 'name', id, 'none'), dictHas('d', id) FROM t
SELECT joinGet('db.j', 'v', id) FROM t
SELECT * FROM t WHERE id IN allowed_ids
SELECT a FROM t SETTINGS max_threads = 4, max_execution_time = 10
SELECT a FROM t FORMAT CSVWithNames SETTINGS output_format_csv_crlf_end_of_line = 1
SELECT a FROM t INTO OUTFILE 'x.csv' FORMAT CSV
SELECT a FROM t INTO OUTFILE 'x.csv.gz' TRUNCATE COMPRESSION 'gzip' LEVEL 5 FORMAT CSV
SELECT a FROM t INTO OUTFILE 'x.csv' APPEND
SELECT {a:UInt8} + 1, {s:String} FROM t WHERE id = {id:UInt64}
SELECT `a`, "b", `weird name` FROM `db`.`t`
SELECT a -- comment
SELECT a /* comment /* nested */ still */ FROM t
SELECT a FROM t # comment
SELECT a FROM t // comment
SELECT $$it's$$, $tag$a $$ b$tag$
SELECT 'it''s', 'it\'s', 'a\\', '\n\t'
SELECT x'41', b'01000001'
SELECT a AS from_date, b AS `select` FROM t
SELECT a b, c d FROM t e
SELECT interval, date, timestamp, format FROM t
SELECT t.interval FROM t WHERE interval = 5 AND date > '2024-01-01'
SELECT key, value, name, type, user, database, table FROM t
SELECT DISTINCT toYYYYMM(date) AS month FROM t ORDER BY month
SELECT toDateTime(ts) AT TIME ZONE 'UTC' FROM t
SELECT * FROM t ORDER BY a LIMIT 10 WITH TIES
SELECT TOP 5 a FROM t ORDER BY a
SELECT a FROM t ORDER BY a OFFSET 5 ROWS FETCH FIRST 10 ROWS ONLY
FROM t SELECT a, b WHERE a = 1
SELECT a, FROM t
SELECT match(a, '^x'), a REGEXP 'y', replaceRegexpAll(a, 'b', 'c') FROM t
SELECT sumMap(k, v), groupArray(10)(a), topK(3)(b), argMax(a, b) FROM t
SELECT groupArrayArray(a), sumMerge(s), uniqState(x) FROM t
SELECT formatReadableSize(sum(bytes)) AS size, table FROM system.parts WHERE active GROUP BY table ORDER BY sum(bytes) DESC
SELECT query, query_duration_ms FROM system.query_log WHERE type = 'QueryFinish' ORDER BY event_time DESC LIMIT 20
SELECT arraySort((x, y) -> y, a, b), arrayReduce('sum', a), arrayZip(a, b) FROM t
SELECT JSONExtractString(body, 'a', 'b'), visitParamExtractInt(body, 'c'), JSON_VALUE(body, '$.a') FROM logs
SELECT toTypeName(a), version(), currentDatabase(), currentUser(), hostName(), now64(3)
SELECT * FROM a JOIN b ON a.x = b.x JOIN c ON b.y = c.y LEFT JOIN d ON c.z = d.z
SELECT * FROM (SELECT * FROM (SELECT * FROM (SELECT 1 AS x)))
SELECT * FROM t WHERE tuple(a, b) IN ((1, 2), (3, 4))
SELECT max(a) - min(a) AS spread, round(avg(a), 2) FROM t WHERE b IN tuple(1, 2)
SELECT * FROM merge_target WHERE a = 1
INSERT INTO t VALUES (1, 'a'), (2, 'b')
INSERT INTO db.t (a, b) VALUES (1, 'x'), (2, NULL), (3, DEFAULT)
INSERT INTO t (a, b) SELECT a, b FROM u WHERE a > 1
INSERT INTO TABLE t SELECT * FROM u
INSERT INTO t FORMAT JSONEachRow {"a": 1} {"a": 2}
INSERT INTO t (a) FORMAT CSV
INSERT INTO t SETTINGS async_insert = 1, wait_for_async_insert = 0 VALUES (1)
INSERT INTO t (a, arr, m) VALUES (1, [1, 2], {'k': 1}), (now(), array(1), map('k', 2))
INSERT INTO t FROM INFILE 'data.csv.gz' COMPRESSION 'gzip' FORMAT CSV
INSERT INTO FUNCTION url('https://example.com/in', 'CSV', 'a UInt8') SELECT a FROM t
INSERT INTO FUNCTION s3('https://b.s3.amazonaws.com/x.csv', 'CSV') SELECT * FROM t
INSERT INTO FUNCTION remote('host', db.t) SELECT * FROM u
INSERT INTO TABLE FUNCTION file('x.csv', 'CSV', 'a UInt8') VALUES (1)
INSERT INTO t WITH x AS (SELECT 1 AS a) SELECT a FROM x
WITH x AS (SELECT 1 AS a) INSERT INTO t SELECT a FROM x
INSERT INTO t (* EXCEPT(b)) VALUES (1)
CREATE TABLE t (a UInt8, b String) ENGINE = MergeTree ORDER BY a
CREATE TABLE IF NOT EXISTS db.t ON CLUSTER c (id UInt64, ts DateTime DEFAULT now(), d Date MATERIALIZED toDate(ts), n Nullable(String) CODEC(ZSTD(1)), e Enum8('a' = 1, 'b' = 2) COMMENT 'kind') ENGINE = ReplicatedMergeTree('/clickhouse/{shard}/t', '{replica}') PARTITION BY toYYYYMM(ts) ORDER BY (id, ts) PRIMARY KEY id TTL ts + INTERVAL 30 DAY SETTINGS index_granularity = 8192 COMMENT 'events'
CREATE TABLE t (a UInt8, INDEX i a TYPE minmax GRANULARITY 1, INDEX j lower(b) TYPE tokenbf_v1(256, 2, 0) GRANULARITY 4, b String, PROJECTION p (SELECT b, count() GROUP BY b), CONSTRAINT c CHECK a > 0) ENGINE = MergeTree ORDER BY tuple()
CREATE TABLE t ENGINE = MergeTree ORDER BY a AS SELECT a, b FROM u
CREATE TABLE t AS u
CREATE TABLE t AS u ENGINE = Memory
CREATE TABLE t (a LowCardinality(String), b Map(String, Array(UInt8)), c Tuple(x Float64, y Float64), d DateTime64(3, 'UTC'), e AggregateFunction(sum, UInt64), f FixedString(16)) ENGINE = Memory
CREATE TEMPORARY TABLE tmp (a UInt8)
CREATE TABLE t (a UInt8) ENGINE = Distributed(c, db, local, rand())
CREATE TABLE t (a UInt8) ENGINE = Buffer(db, dest, 16, 10, 100, 10000, 1000000, 10000000, 100000000)
CREATE TABLE t (a UInt8) ENGINE = URL('https://example.com', 'CSV')
CREATE TABLE t (a UInt8) ENGINE = Kafka SETTINGS kafka_broker_list = 'b:9092', kafka_topic_list = 'x', kafka_group_name = 'g', kafka_format = 'JSONEachRow'
CREATE TABLE t (a UInt8, ts DateTime) ENGINE = ReplacingMergeTree(ts) ORDER BY a TTL ts + INTERVAL 1 DAY TO VOLUME 'cold', ts + INTERVAL 9 DAY DELETE WHERE a = 1
CREATE OR REPLACE TABLE t (a UInt8) ENGINE = Memory
CREATE VIEW v AS SELECT a FROM t
CREATE OR REPLACE VIEW db.v (a UInt8) AS SELECT a FROM t
CREATE MATERIALIZED VIEW mv TO dest AS SELECT a, count() AS n FROM src GROUP BY a
CREATE MATERIALIZED VIEW mv ENGINE = SummingMergeTree ORDER BY a POPULATE AS SELECT a, count() AS n FROM src GROUP BY a
CREATE MATERIALIZED VIEW mv REFRESH EVERY 1 HOUR TO dest AS SELECT * FROM src
CREATE DATABASE IF NOT EXISTS db ENGINE = Atomic
CREATE FUNCTION linear AS (x, k, b) -> k * x + b
CREATE DICTIONARY d (id UInt64, name String DEFAULT '') PRIMARY KEY id SOURCE(CLICKHOUSE(TABLE 'src' DB 'db')) LAYOUT(FLAT()) LIFETIME(MIN 0 MAX 300)
CREATE USER u IDENTIFIED WITH sha256_password BY 'x' HOST LOCAL DEFAULT ROLE r SETTINGS max_memory_usage = 1
CREATE ROLE r
CREATE ROW POLICY p ON db.t FOR SELECT USING a = 1 TO r
CREATE QUOTA q FOR INTERVAL 1 hour MAX queries = 10 TO r
CREATE SETTINGS PROFILE s SETTINGS max_threads = 2 TO r
CREATE NAMED COLLECTION nc AS url = 'https://example.com'
CREATE INDEX i ON t (a) TYPE minmax GRANULARITY 1
ALTER TABLE t ADD COLUMN c UInt8 DEFAULT 0 AFTER a
ALTER TABLE t DROP COLUMN IF EXISTS c
ALTER TABLE t MODIFY COLUMN c Nullable(String), RENAME COLUMN a TO b
ALTER TABLE t COMMENT COLUMN c 'text'
ALTER TABLE t UPDATE a = a + 1, b = 'x' WHERE id IN (1, 2)
ALTER TABLE t DELETE WHERE ts < now() - INTERVAL 1 YEAR
ALTER TABLE t DROP PARTITION '2024-01'
ALTER TABLE t DROP PARTITION ID 'all', DROP PART 'all_1_1_0'
ALTER TABLE t ATTACH PARTITION tuple() FROM u
ALTER TABLE t MOVE PARTITION 202401 TO TABLE db.u
ALTER TABLE t REPLACE PARTITION 202401 FROM u
ALTER TABLE t FREEZE PARTITION 202401 WITH NAME 'b'
ALTER TABLE t ADD INDEX i a TYPE set(100) GRANULARITY 2
ALTER TABLE t MATERIALIZE INDEX i IN PARTITION 202401
ALTER TABLE t ADD PROJECTION p (SELECT a ORDER BY b)
ALTER TABLE t MODIFY TTL ts + INTERVAL 7 DAY
ALTER TABLE t MODIFY SETTING merge_with_ttl_timeout = 3600
ALTER TABLE t RESET SETTING merge_with_ttl_timeout
ALTER TABLE t MODIFY ORDER BY (a, b)
ALTER TABLE mv MODIFY QUERY SELECT a FROM src
ALTER TABLE t ADD CONSTRAINT c CHECK a > 0
ALTER USER u IDENTIFIED BY 'x'
DROP TABLE t
DROP TABLE IF EXISTS db.t ON CLUSTER c SYNC
DROP VIEW v
DROP DICTIONARY IF EXISTS db.d
DROP FUNCTION IF EXISTS linear
DROP USER u
DROP ROLE IF EXISTS r
DROP ROW POLICY p ON db.t
TRUNCATE TABLE t
TRUNCATE TABLE IF EXISTS db.t ON CLUSTER c
DETACH TABLE t PERMANENTLY
ATTACH TABLE t
RENAME TABLE a TO b, db.c TO db.d
EXCHANGE TABLES a AND b
OPTIMIZE TABLE t FINAL
OPTIMIZE TABLE db.t PARTITION 202401 FINAL DEDUPLICATE BY a, b
UNDROP TABLE t
DELETE FROM t WHERE a = 1
DELETE FROM db.t ON CLUSTER c WHERE a IN (SELECT id FROM u)
UPDATE t SET a = 1, b = b + 1 WHERE id = 5
GRANT SELECT ON db.t TO u
GRANT SELECT(a, b), INSERT ON db.t TO u WITH GRANT OPTION
GRANT r TO u
REVOKE SELECT ON db.t FROM u
REVOKE ALL ON db.t FROM u
SET max_threads = 4
SET max_threads = 4, max_memory_usage = 1000000
SET ROLE r
SET DEFAULT ROLE r TO u
USE db
SHOW TABLES
SHOW TABLES FROM db LIKE '%x%'
SHOW DATABASES
SHOW CREATE TABLE db.t
SHOW CREATE VIEW v
SHOW COLUMNS FROM t FROM db
SHOW INDEX FROM t
SHOW PROCESSLIST
SHOW GRANTS FOR u
SHOW SETTINGS LIKE 'max%'
SHOW FUNCTIONS
SHOW CLUSTERS
SHOW USERS
DESCRIBE TABLE db.t
DESC t
DESCRIBE url('https://example.com/x.csv')
DESCRIBE (SELECT a FROM t)
EXISTS t
EXISTS TABLE db.t
EXISTS DATABASE db
EXPLAIN SELECT a FROM t
EXPLAIN AST SELECT a FROM t
EXPLAIN SYNTAX SELECT a FROM t JOIN u USING id
EXPLAIN PLAN indexes = 1, actions = 1 SELECT a FROM t WHERE b = 1
EXPLAIN PIPELINE graph = 1 SELECT a FROM t
EXPLAIN ESTIMATE SELECT a FROM t
EXPLAIN QUERY TREE SELECT a FROM t
CHECK TABLE t
CHECK TABLE db.t PARTITION 202401
KILL QUERY WHERE query_id = 'x'
KILL MUTATION WHERE database = 'db' AND table = 't' SYNC
SYSTEM FLUSH LOGS
SYSTEM RELOAD CONFIG
SYSTEM DROP MARK CACHE
SYSTEM STOP MERGES db.t
SYSTEM SYNC REPLICA db.t
SYSTEM RELOAD DICTIONARY db.d
BACKUP TABLE db.t TO Disk('backups', 'x.zip')
RESTORE TABLE db.t AS db.u FROM Disk('backups', 'x.zip')
BEGIN TRANSACTION
COMMIT
ROLLBACK
SELECT a FROM t WHERE ts > now() - INTERVAL '1' HOUR AND x = INTERVAL 1 + 1 DAY
SELECT * FROM t WHERE like(a, 'x') OR a NOT ILIKE '%y' OR NOT has(arr, 1)
SELECT uniqHLL12(a), any(b), anyLast(c), all FROM t
SELECT left(a, 2), right(b, 3), replace(c, 'x', 'y'), format('{}', a), values FROM t
SELECT group, order, limit, settings, final, sample FROM t
SELECT t.group, t.order, t.from FROM t
SELECT a AS group, b AS order FROM t ORDER BY group
SELECT * FROM numbers(10) AS n LEFT JOIN t ON n.number = t.a
SELECT * FROM t AS a, u AS b, LATERAL_VIEW AS c
SELECT a.1.2, (tuple(1, 2)).1, [1, 2][1], (SELECT tuple(1, 2)).2 FROM t
SELECT a[1][2].b, f(x)[1].2 FROM t
SELECT NOT a, NOT (a AND b), NOT NOT a FROM t
SELECT a IN ('x'), b NOT IN (1), (a, b) IN ((1, 2)), a IN [1, 2], a IN tuple(1) FROM t
SELECT date, toDate(date) AS date2, interval * 2 FROM t WHERE date = today() - 1
SELECT sum(interval) FROM t GROUP BY interval HAVING interval > 1 ORDER BY interval
SELECT toIntervalDay(1), now() + toIntervalHour(2), now() - INTERVAL n DAY FROM t
SELECT case FROM t
SELECT count() AS count, max(ts) AS max, min(ts) AS min FROM t
SELECT sum(x) OVER (), rank() OVER (ORDER BY y), ntile(4) OVER (PARTITION BY z ORDER BY w) FROM t
SELECT countIf(a, b = 1) AS `x y`, 'a' AS "Q" FROM t
SELECT * FROM t WHERE ifNull(a, 0) = 1 AND coalesce(b, c) IS NULL
SELECT a, count() c FROM t GROUP BY 1 ORDER BY 2 DESC LIMIT 3
SELECT * FROM `my-db`.`my-table` WHERE `some col` = 1
SELECT * FROM system.query_log WHERE event_time > now() - 3600 AND type != 1 AND query NOT LIKE '%system%' ORDER BY query_duration_ms DESC LIMIT 50 FORMAT Vertical
SELECT database, table, formatReadableSize(sum(data_compressed_bytes) AS size) AS s, sum(rows) AS rows FROM system.parts WHERE active GROUP BY database, table ORDER BY size DESC
SELECT toStartOfHour(ts) AS h, quantilesTDigest(0.5, 0.99)(ms) AS q, q[1] AS p50 FROM t GROUP BY h
SELECT * FROM t PREWHERE d >= '2024-01-01' WHERE a = 1 SETTINGS optimize_move_to_prewhere = 0
SELECT arrayStringConcat(arrayMap(x -> concat(toString(x.1), ':', x.2), arr), ',') FROM t
SELECT arrayFold((acc, x) -> acc + x, arr, toInt64(0)), arrayExists(x -> x IN (1, 2), arr) FROM t
SELECT transform(a, [1, 2], ['x', 'y'], 'z'), a::String || 'x', -1::Int8, CAST('1' AS Int8) FROM t
SELECT tumbleStart(w), toUnixTimestamp64Milli(ts), fromUnixTimestamp(1) FROM t
SELECT * FROM s3('https://b.s3.amazonaws.com/{a,b}/*.parquet', 'KEY', 'SECRET', 'Parquet', 'a UInt8', 'gzip')
SELECT _path, _file, * FROM s3(nc, filename = 'x.csv', format = 'CSV')
SELECT * FROM deltaLake('https://b.s3.amazonaws.com/t/')
SELECT * FROM icebergS3('https://b.s3.amazonaws.com/t/')
SELECT * FROM generateRandom('a Array(UInt8)') LIMIT 1
SELECT * FROM input('a UInt8')
INSERT INTO t SELECT a FROM input('a UInt8') FORMAT CSV
INSERT INTO t (id, body) VALUES (1, 'it''s; DROP TABLE x --'), (2, $$a$$)
INSERT INTO t(a,b)VALUES(1,2),(3,4)
INSERT INTO t VALUES ('2024-01-01', toDateTime('2024-01-01 00:00:00'), -1.5e3, NULL, true, [], (1, 'x'), '{"a": [1]}')
INSERT INTO t (a) SELECT number FROM numbers(10) SETTINGS max_insert_threads = 2
INSERT INTO db.t SELECT * EXCEPT(x) FROM db.u FINAL
CREATE TABLE db.t (`id` UUID DEFAULT generateUUIDv4(), `v` Float32 CODEC(Delta(4), LZ4HC(9)), `j` JSON, `d` Dynamic, `n` Nested(a UInt8, b String), `x` UInt8 TTL ts + toIntervalDay(1), ts DateTime) ENGINE = MergeTree() PARTITION BY (toMonday(ts), id) ORDER BY (id, cityHash64(id)) SAMPLE BY cityHash64(id)
CREATE TABLE t (a Int32 NOT NULL, b VARCHAR(255) NULL, c DOUBLE PRECISION, d INT UNSIGNED, PRIMARY KEY (a)) ENGINE = MergeTree
CREATE TABLE t (a UInt8, b UInt8 ALIAS a + 1, c String EPHEMERAL, e UInt8 EPHEMERAL 5) ENGINE = Memory
CREATE TABLE t (a UInt8) ENGINE = S3('https://b.s3.amazonaws.com/x.csv', 'CSV')
CREATE TABLE t (a DateTime, b UInt64) ENGINE = AggregatingMergeTree ORDER BY a TTL a + INTERVAL 1 MONTH GROUP BY a SET b = max(b)
CREATE VIEW v AS WITH x AS (SELECT 1 AS a) SELECT a FROM x UNION ALL SELECT b FROM t
CREATE VIEW v AS SELECT a FROM t WHERE id = {id:UInt64}
CREATE VIEW v DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT a FROM t
CREATE MATERIALIZED VIEW db.mv ON CLUSTER c TO db.dest (a UInt8, n AggregateFunction(count)) AS SELECT a, countState() AS n FROM db.src GROUP BY a
CREATE MATERIALIZED VIEW mv REFRESH AFTER 10 MINUTE DEPENDS ON x, y APPEND TO dest EMPTY AS SELECT 1 AS a
CREATE DICTIONARY IF NOT EXISTS db.d (id UInt64, p String EXPRESSION upper(p) HIERARCHICAL) PRIMARY KEY id SOURCE(HTTP(URL 'https://example.com/x.tsv' FORMAT 'TSV')) LAYOUT(COMPLEX_KEY_HASHED(SHARDS 4)) LIFETIME(300) COMMENT 'x'
CREATE USER IF NOT EXISTS u ON CLUSTER c IDENTIFIED WITH plaintext_password BY 'x'
CREATE ROW POLICY OR REPLACE p ON db.t AS RESTRICTIVE USING owner = currentUser() TO ALL EXCEPT admin
ALTER TABLE db.t ON CLUSTER c ADD COLUMN IF NOT EXISTS x String CODEC(ZSTD) FIRST, DROP INDEX i, CLEAR COLUMN y IN PARTITION 202401
ALTER TABLE t MODIFY COLUMN a REMOVE TTL
ALTER TABLE t ALTER COLUMN a TYPE UInt64
ALTER TABLE t DELETE IN PARTITION 202401 WHERE a = 1
ALTER TABLE t FETCH PARTITION 202401 FROM '/clickhouse/tables/01/t'
ALTER TABLE t UNFREEZE WITH NAME 'b'
ALTER TABLE t DETACH PARTITION (1, 'x')
ALTER TABLE t MATERIALIZE PROJECTION p
ALTER TABLE t APPLY DELETED MASK
DROP TABLE a, b
DROP NAMED COLLECTION IF EXISTS nc
DROP INDEX i ON t
SHOW FULL TABLES FROM db NOT LIKE 'x%' LIMIT 5
SHOW TABLES WHERE name = 'x'
SHOW DICTIONARIES FROM db
SHOW CREATE DATABASE db
SHOW CREATE USER u
SHOW ROLES
SHOW CURRENT ROLES
SHOW ACCESS
SHOW ENGINES
SHOW MERGES
SHOW SETTING max_threads
SHOW TABLE t
SHOW CREATE t
DESCRIBE TABLE t SETTINGS describe_compact_output = 1
DESCRIBE remote('h', db.t) FORMAT JSON
EXPLAIN SELECT 1 UNION ALL SELECT a FROM t SETTINGS max_threads = 1
EXPLAIN header = 1 SELECT a FROM t
EXPLAIN json = 1, indexes = 1 SELECT a FROM t FORMAT TSVRaw
EXPLAIN INSERT INTO t SELECT * FROM u
SET ROLE DEFAULT
SET ROLE ALL EXCEPT r
USE DATABASE db
SET a.b = 1
SYSTEM FLUSH LOGS query_log
SYSTEM DROP QUERY CACHE
SYSTEM RELOAD FUNCTIONS
SYSTEM REFRESH VIEW db.mv
SYSTEM FLUSH DISTRIBUTED db.t
BACKUP TABLE a, TABLE db.b TO S3('https://b.s3.amazonaws.com/x', 'k', 's') SETTINGS compression_level = 3 ASYNC
KILL QUERY ON CLUSTER c WHERE user = 'u' ASYNC
REVOKE r FROM u
GRANT ALTER DELETE, ALTER UPDATE ON db.t TO u, v
GRANT ON CLUSTER c SELECT ON db.t TO CURRENT_USER
CHECK GRANT SELECT ON db.t
SELECT * FROM t WHERE a REGEXP '^x' AND match(b, 'y')
SELECT 1 WHERE 1 = 1
SELECT a, b FROM (SELECT 1 AS a, 2 AS b) GROUP BY a, b ORDER BY a
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v
SELECT sumIf(a, b) / nullIf(count(), 0) * 100 AS pct FROM t
SELECT DISTINCT a, b FROM t LIMIT 1 OFFSET 2
SELECT @@version
SELECT * FROM a LEFT OUTER JOIN b USING (x, y) RIGHT JOIN c ON a.x = c.x AND b.y > c.y
SELECT * FROM a ALL INNER JOIN b USING x
SELECT * FROM a LEFT ASOF JOIN b ON a.k = b.k AND a.t >= b.t
SELECT * FROM t ARRAY JOIN n.a AS a, n.b
SELECT untuple((1, 2)), tuple(1).1, a.* FROM t AS a
SELECT sum(a)FROM t WHERE b='x'AND c=1
SELECT date_trunc('month', ts), dateTrunc('day', ts), toStartOfWeek(ts, 1) FROM t
SELECT timestamp_sub(DAY, 3, ts), TIMESTAMPDIFF(SECOND, a, b), DATEADD(YEAR, 1, d) FROM t
SELECT json.^a, json.a.:Int64, json.b.:`Array(JSON)` FROM t
SELECT groupUniqArray(5)(x), sequenceMatch('(?1)(?2)')(ts, a = 1, b = 2), windowFunnel(60)(ts, a, b) FROM t
SELECT * FROM t ORDER BY toDate(ts) ASC, a DESC NULLS FIRST LIMIT 100 SETTINGS max_execution_time = 5 FORMAT Pretty
