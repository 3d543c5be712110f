/** The tables the corpus is about. Nothing here has triggers, rules or foreign keys: what they do is not in any text. */
export const schema = `
  create schema sales;
  create table customers (id serial primary key, name text, email text, country text,
    created_at timestamptz default now(), meta jsonb);
  create table orders (id bigserial primary key, customer_id int, total numeric, status text, paid boolean,
    created_at timestamptz default now(), notes text);
  create table order_items (order_id bigint, product_id int, qty int, price numeric);
  create table products (id serial primary key, name text, sku text unique, price numeric, tags text[], stock int,
    search tsvector);
  create table sales.events (id bigserial primary key, at timestamptz, kind text, payload jsonb, user_id int);
  create table secrets (id int, value text);
  create table audit (message text, at timestamptz);
  create table employees (id int, manager_id int, name text);
  create table schema_migrations (version text primary key);
  create table pgbench_accounts (aid int primary key, bid int, abalance int);
  create table pgbench_tellers (tid int primary key, bid int, tbalance int);
  create table pgbench_branches (bid int primary key, bbalance int);
  create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp);
  create sequence ticket_seq;
  create materialized view daily as select date_trunc('day', created_at) as day, sum(total) from orders group by 1;
  create role reporter superuser; create role app superuser;
  insert into customers (name, email, country) values ('Ada', 'ada@a.test', 'NL'), ('Bob', 'bob@b.test', 'FR');
  insert into orders (customer_id, total, status) values (1, 10, 'new'), (2, 20, 'paid');
  insert into order_items values (1, 1, 2, 5); insert into products (name, sku, price) values ('pen', 'p1', 5);
  insert into secrets values (1, 'hidden'); insert into sales.events (at, kind) values (now(), 'view');
  insert into employees values (1, null, 'Eve'), (2, 1, 'Max');
  insert into pgbench_accounts values (1, 1, 0); insert into pgbench_tellers values (1, 1, 0);
  insert into pgbench_branches values (1, 0);
`

/** Statements as applications, migrations and people send them; one a line. Everything about them can be known. */
export const honest = lines(`
select 1
SELECT version()
SELECT current_database(), current_user, now()
select * from customers
select id, email from customers where id = 1
SELECT "customers".* FROM "customers" WHERE "customers"."id" = 1 LIMIT 1
SELECT "customers"."id" AS t0_r0, "orders"."id" AS t1_r0 FROM "customers" LEFT OUTER JOIN "orders" ON "orders"."customer_id" = "customers"."id" WHERE "customers"."country" = 'NL'
SELECT 1 AS one FROM "products" WHERE "products"."sku" = 'p1' LIMIT 1
SELECT COUNT(*) FROM "orders" WHERE "orders"."status" IN ('new', 'paid')
SELECT "orders"."id" FROM "orders" ORDER BY "orders"."created_at" DESC LIMIT 21 OFFSET 0
select distinct on (customer_id) customer_id, total from orders order by customer_id, created_at desc
select count(*) filter (where paid), avg(total)::numeric(10,2) from orders
select c.country, sum(o.total) from customers c join orders o on o.customer_id = c.id group by c.country having sum(o.total) > 1 order by 2 desc
select date_trunc('month', created_at) as month, count(*) from orders where created_at >= now() - interval '1 year' group by 1 order by 1
select *, row_number() over (partition by customer_id order by total desc) from orders
select id, lag(total) over w, lead(total) over w, sum(total) over w from orders window w as (partition by customer_id order by id)
select percentile_cont(0.5) within group (order by total) from orders
select country, count(*) from customers group by rollup (country)
select country, name, count(*) from customers group by grouping sets ((country), (name), ())
with recent as (select * from orders where created_at > now() - interval '7 days') select status, count(*) from recent group by status
with recursive tree as (select id, manager_id, name, 1 as depth from employees where manager_id is null union all select e.id, e.manager_id, e.name, t.depth + 1 from employees e join tree t on e.manager_id = t.id) select * from tree
select * from customers where exists (select 1 from orders where orders.customer_id = customers.id)
select * from products where id not in (select product_id from order_items)
select c.name, x.total from customers c cross join lateral (select total from orders o where o.customer_id = c.id order by total desc limit 1) x
select payload->>'user' as u, count(*) from sales.events group by 1
select id from sales.events where payload @> '{"kind": "click"}'
select jsonb_agg(jsonb_build_object('id', id, 'name', name)) from customers
select id, jsonb_array_elements_text(payload->'tags') from sales.events
select * from jsonb_to_recordset('[{"a":1}]') as x(a int)
select * from json_each('{"a":1}')
select string_agg(name, ', ' order by name) from customers
select unnest(tags) as tag, count(*) from products group by tag
select * from products where tags && array['a','b'] or 'c' = any(tags)
select * from products where search @@ to_tsquery('english', 'pen & paper') order by ts_rank(search, to_tsquery('pen')) desc
select coalesce(name, 'none'), nullif(country, ''), greatest(1, 2), least(1, 2) from customers
select case when total > 100 then 'big' when total > 10 then 'mid' else 'small' end as size from orders
select extract(epoch from created_at), to_char(created_at, 'YYYY-MM-DD') from orders
select substring(email from '@(.*)$'), trim(both ' ' from name), position('@' in email), overlay(name placing 'x' from 1) from customers
select generate_series(1, 10)
select d::date from generate_series(current_date - 6, current_date, '1 day') d
select * from orders where created_at between '2026-01-01' and '2026-02-01'
select * from customers where email ilike '%@a.test' or name similar to 'A%' or name ~* '^b'
select md5(email), encode(sha256(email::bytea), 'hex'), length(name) from customers
select * from orders where id = any(array[1,2,3]::bigint[])
select * from orders o where (o.customer_id, o.total) in ((1, 10), (2, 20))
select * from customers union all select * from customers
select id from customers intersect select customer_id from orders
select id from customers except select customer_id from orders
values (1, 'a'), (2, 'b')
table products
select * from (values (1), (2)) as v(n)
select * from customers tablesample system (50)
select * from orders for update
select * from orders where status = 'new' order by id for update skip locked limit 1
select o.id from orders o join customers c on c.id = o.customer_id for share of o
select gen_random_uuid(), random(), clock_timestamp()
select pg_advisory_xact_lock(42)
select pg_try_advisory_lock(42), pg_advisory_unlock(42)
select currval('ticket_seq') from customers where false
select array_agg(distinct status) from orders
select row_to_json(c) from customers c
select format('%s <%s>', name, email) from customers
select regexp_replace(email, '@.*', ''), split_part(email, '@', 2) from customers
select pg_size_pretty(pg_total_relation_size('orders'))
select pg_sleep(0)
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attrelid = '"customers"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
SELECT c.relname FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (current_schemas(false)) AND c.relkind IN ('r','v','m','p','f')
SELECT n.nspname as "Schema", c.relname as "Name", CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' END as "Type", pg_catalog.pg_get_userbyid(c.relowner) as "Owner" FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2
SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname OPERATOR(pg_catalog.~) '^(orders)$' COLLATE pg_catalog.default AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, 3
SELECT conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef FROM pg_catalog.pg_constraint r WHERE r.conrelid = 'orders'::regclass AND r.contype = 'f' ORDER BY 1
SELECT rolname, rolsuper, rolcreaterole FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1
SELECT d.datname, pg_catalog.pg_encoding_to_char(d.encoding), pg_catalog.array_to_string(d.datacl, E'\\n') FROM pg_catalog.pg_database d ORDER BY 1
SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' ORDER BY ordinal_position
SELECT kcu.column_name FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu USING (constraint_name) WHERE tc.constraint_type = 'PRIMARY KEY' AND tc.table_name = 'orders'
SELECT pid, state, query FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()
SELECT relname, n_live_tup, seq_scan FROM pg_stat_user_tables ORDER BY n_live_tup DESC
SELECT result.TABLE_CAT, result.KEY_SEQ FROM (SELECT NULL AS TABLE_CAT, (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ FROM pg_catalog.pg_index i) result
SELECT t.typname, t.oid FROM pg_type as t WHERE t.typname IN ('int2', 'int4', 'jsonb')
select pg_get_indexdef(indexrelid) from pg_index where indrelid = 'orders'::regclass
select has_table_privilege('orders', 'select')
select obj_description('orders'::regclass)
explain select * from orders where id = 1
explain (costs off, format json) select * from orders join customers on true
explain analyze select count(*) from orders
explain (analyze, buffers) select * from orders where status = 'new'
explain delete from orders
show server_version
show all
set search_path to public
set local statement_timeout = '5s'
SET client_encoding = 'UTF8'
SET standard_conforming_strings = on
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED
SET application_name = 'psql'
set timezone to 'UTC'
reset statement_timeout
reset all
set role reporter
set local role app
set session authorization app
reset role
set constraints all deferred
begin; select 1; commit
savepoint a; rollback to savepoint a; release savepoint a
declare c no scroll cursor for select * from orders; fetch 10 from c; move next in c; close c
listen jobs; unlisten jobs
notify jobs, 'one'
select pg_notify('jobs', 'two')
lock table orders in share mode
discard plans
deallocate all
prepare one (bigint) as select * from orders where id = $1; execute one (1); deallocate one
copy orders to stdout
copy (select id, total from orders) to stdout with csv header
insert into customers (name, email) values ('Cid', 'cid@c.test')
insert into customers (name, email) values ('Cid', 'c@c.test'), ('Dee', 'd@d.test') returning id
INSERT INTO "orders" ("customer_id", "total", "status") VALUES (1, 9.5, 'new') RETURNING "id"
insert into products (name, sku, price) values ('x', 'p1', 1) on conflict (sku) do update set price = excluded.price where products.price <> excluded.price
insert into products (name, sku) values ('x', 'p1') on conflict do nothing
insert into order_items select id, 1, 1, total from orders
insert into audit default values
INSERT INTO schema_migrations (version) VALUES ('20260101') ON CONFLICT DO NOTHING
insert into sales.events (kind, payload) values ('click', '{"a": [1, 2]}'::jsonb)
update orders set paid = true where id = 1
UPDATE "orders" SET "status" = 'paid', "notes" = NULL WHERE "orders"."id" = 1
update orders o set total = i.sum from (select order_id, sum(price * qty) from order_items group by 1) i where i.order_id = o.id returning o.*
update products set (price, stock) = (select 1, 2) where id = 1
update products set tags = array_append(tags, 'new'), stock = stock - 1
update sales.events set payload = jsonb_set(coalesce(payload, '{}'), '{seen}', 'true')
delete from order_items where order_id = 1
delete from orders using customers where orders.customer_id = customers.id and customers.country = 'FR'
with gone as (delete from orders where status = 'void' returning *) insert into audit (message) select 'gone ' || id from gone
with job as (select id from orders where status = 'new' limit 1 for update skip locked) update orders set status = 'busy' from job where job.id = orders.id returning orders.*
merge into products p using (values (1, 2)) as v(id, stock) on p.id = v.id when matched then update set stock = v.stock when not matched then insert (id, stock) values (v.id, v.stock)
truncate audit
truncate table pgbench_history, audit restart identity
select nextval('ticket_seq')
select setval('ticket_seq', 100, true)
SELECT pg_catalog.set_config('search_path', '', false)
UPDATE pgbench_accounts SET abalance = abalance + 5 WHERE aid = 1
BEGIN; UPDATE pgbench_accounts SET abalance = abalance + 5 WHERE aid = 1; SELECT abalance FROM pgbench_accounts WHERE aid = 1; UPDATE pgbench_tellers SET tbalance = tbalance + 5 WHERE tid = 1; UPDATE pgbench_branches SET bbalance = bbalance + 5 WHERE bid = 1; INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, 1, 5, CURRENT_TIMESTAMP); END
create table invoices (id bigserial primary key, order_id bigint references orders (id) on delete cascade, pdf bytea, check (id > 0))
CREATE TABLE IF NOT EXISTS "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "expire_date" timestamp with time zone NOT NULL)
create table events_2026 (like sales.events including defaults)
create temporary table scratch on commit drop as select * from orders
create table parted (id int, at date) partition by range (at)
create unlogged table cache (key text primary key, value jsonb, generated text generated always as (key || 'x') stored)
alter table orders add column currency text not null default 'EUR'
alter table orders drop column notes, alter column total set not null, alter column status type varchar(20) using status::varchar
ALTER TABLE "order_items" ADD CONSTRAINT "fk_order" FOREIGN KEY ("order_id") REFERENCES "orders" ("id") DEFERRABLE INITIALLY DEFERRED
alter table customers rename column name to full_name
alter table customers rename to clients
alter table audit set schema sales
alter table audit owner to app
alter table products enable row level security
create index on orders (customer_id)
CREATE UNIQUE INDEX "index_customers_on_email" ON "customers" ("email") WHERE email is not null
create index events_payload on sales.events using gin (payload jsonb_path_ops)
create view totals as select customer_id, sum(total) from orders group by 1
create or replace view big as select * from orders where total > 100 with check option
create materialized view top as select * from customers limit 10
refresh materialized view daily
create sequence invoice_seq start 1000; alter sequence invoice_seq restart with 5
create schema reporting
create type mood as enum ('sad', 'happy'); alter type mood add value 'ok'
create type pair as (a int, b int)
create domain positive as int check (value > 0)
create role agent login password 'x'
alter role app set statement_timeout = '1s'
grant select on orders, customers to reporter
grant reporter to app
revoke insert on orders from app
grant usage on schema sales to app
create policy own_rows on orders for select using (customer_id = 1)
create function add(a int, b int) returns int language sql immutable as 'select a + b'
create function touch() returns trigger language plpgsql as $$ begin new.created_at := now(); return new; end $$
create procedure archive(days int) language plpgsql as $$ begin insert into audit (message) select status from orders; delete from orders where status = 'void'; end $$
create function total_of(c int) returns numeric language sql begin atomic select sum(total) from orders where customer_id = c; end
do $$ begin if not exists (select 1 from pg_type where typname = 'mood') then create type mood as enum ('a'); end if; end $$
do $$ declare r record; begin for r in select id from orders loop update orders set total = 0 where id = r.id; end loop; end $$
create trigger touched before update on orders for each row execute function suppress_redundant_updates_trigger()
create rule no_delete as on delete to secrets do instead nothing
create statistics order_stats on customer_id, status from orders
create extension if not exists plpgsql
comment on table orders is 'all orders'
comment on column orders.total is 'in cents'
drop table audit
drop table if exists missing, audit
drop index if exists missing_index
drop view if exists missing_view
drop materialized view daily
drop sequence ticket_seq
analyze orders
`)

/** Honest statements that reach what they do not name, or call what is not PostgreSQL's own: what of them is unknown. */
export const partlyKnown: { readonly [sql: string]: readonly string[] } = {
  'create extension if not exists plpgsql': ['tables', 'target_tables'],
  'drop table if exists orders cascade': ['tables', 'target_tables'],
  'truncate orders, customers cascade': ['tables', 'target_tables'],
  'drop schema sales cascade': ['tables', 'target_tables'],
  'grant select on all tables in schema public to reporter': ['tables', 'target_tables'],
  analyze: ['tables', 'target_tables'],
  'create function f() returns int language sql as $$ select 1 $$; select f()': ['is_write'],
  "select setval(pg_get_serial_sequence('orders', 'id'), 5)": ['tables', 'target_tables'],
}

function lines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '')
}
