/** Statements that write, plainly; the sneaky ones hide each of them in something that looks harmless. */
const writes = [
  'delete from secrets',
  "insert into audit values ('x', now())",
  "update secrets set value = 'x'",
  'with w as (delete from secrets returning *) select * from w',
  'insert into products (name, sku) values (1, 1) on conflict (sku) do update set price = 2',
  'merge into secrets s using orders o on s.id = o.id when matched then delete',
]

/** Reads of a table that is not to be read. */
const reads = ['select value from secrets', 'table secrets', 'select (select max(value) from secrets)']

/** Around a statement that may be anything. */
export const aroundAny: readonly ((sql: string) => string)[] = [
  (sql) => `explain analyze ${sql}`,
  (sql) => `explain (verbose, analyze true, costs off) ${sql}`,
  (sql) => `EXPLAIN (ANALYSE 1) ${sql}`.replace('ANALYSE', 'ANALYZE'),
  (sql) => `prepare p as ${sql}; execute p`,
  (sql) => `prepare p as ${sql}; explain analyze execute p`,
  (sql) => `do $$ begin execute '${quoted(sql)}'; end $$`,
  (sql) => `do $$ declare s text := '${quoted(sql)}'; begin execute s; end $$`,
  (sql) => `do $x$ begin execute $y$ do $z$ begin execute '${quoted(sql)}'; end $z$ $y$; end $x$`,
  (sql) => `do $$ begin begin perform 1/0; exception when division_by_zero then execute '${quoted(sql)}'; end; end $$`,
  (sql) => `create function f() returns void language plpgsql as $$ begin execute '${quoted(sql)}'; end $$; select f()`,
  (sql) => `select 1; /* */ ${sql} -- select`,
  (sql) => `select query_to_xml('${quoted(sql)}', true, false, '')`,
  (sql) => `select pg_catalog.query_to_xml(E'${quoted(sql)}'::text, true, false, '')`,
  (sql) => `select query_to_xml(concat('${quoted(sql)}'), true, false, '')`,
]

/** Around a query. */
export const aroundQueries: readonly ((sql: string) => string)[] = [
  (sql) => `declare c cursor with hold for ${sql}; fetch all from c`,
  (sql) => `copy (${sql}) to stdout`,
  (sql) => `create table copied as ${sql}`,
  (sql) => `create materialized view seen as ${sql}`,
  (sql) => `select * from (${sql}) x`,
  (sql) => `with a as (with b as (${sql}) select * from b) select * from a`,
  (sql) => `insert into audit (message) ${sql}`,
  (sql) => `select array(${sql})`,
  (sql) => `do $$ declare v text; begin v := (${sql}); end $$`,
  (sql) => `do $$ declare c cursor for ${sql}; r record; begin for r in c loop null; end loop; end $$`,
  (sql) => `do $$ declare r record; begin for r in execute '${quoted(sql)}' loop null; end loop; end $$`,
  (sql) => `create function g() returns setof text language sql as $$ ${sql} $$; select * from g()`,
  (sql) =>
    `create function g() returns setof text language plpgsql as $$ begin return query ${sql}; end $$; select g()`,
  (sql) => `select ts_stat('select to_tsvector(x) from (${quoted(sql)}) y(x)')`,
]

/** Written by hand. */
const single = `
select * into stolen from secrets
select value into temp stolen from secrets union select 'x'
create temp table stolen as table secrets
select lo_from_bytea(0, 'x')
select lo_creat(-1)
select lo_export(lo_from_bytea(0, 'x'), '/dev/null')
select nextval('ticket_seq') from generate_series(1, 3)
select case when true then setval('ticket_seq', 9) end
select "nextval"('ticket_seq')
select pg_catalog.nextval('"ticket_seq"'::regclass)
select set_config('role', 'app', false)
select set_config('ro' || 'le', 'app', false)
select set_config('session_authorization', 'app', true)
with x as (select set_config('role', 'app', false)) select * from x
do $$ begin set local role app; end $$
do $$ begin perform set_config('role', 'app', false); end $$
set session role app
discard all
create view peek as select * from secrets; select * from peek
create rule leak as on insert to audit do also delete from secrets; insert into audit values ('x')
create function h() returns void language plpgsql as $$ begin delete from secrets; end $$; do $$ begin perform h(); end $$
create procedure h() language sql as 'delete from secrets'; call h()
create function h() returns trigger language plpgsql as $$ begin delete from secrets; return new; end $$; create trigger t before insert on audit for each row execute function h(); insert into audit values ('x')
create function h(int) returns int language plpgsql as $$ begin delete from secrets; return 1; end $$; create operator !!! (function = h, rightarg = int); select !!! 1
create function h() returns int language plpgsql as $$ begin delete from secrets; return 1; end $$; alter table audit add column n int default h(); insert into audit (message) values ('x')
copy secrets to '/dev/null'
copy secrets to program 'cat > /dev/null'
copy/**/secrets/**/to/**/program/**/'true'
copy secrets (value) from program 'printf ""'
copy (select 1) to program 'true'
do $$ begin execute 'copy secrets to program ''true'''; end $$
do $$ begin copy (select 1) to program 'true'; end $$
select table_to_xml('secrets', true, false, '')
select table_to_xml('secrets'::regclass, true, false, '')
select schema_to_xml('public', true, false, '')
select database_to_xml(true, false, '')
declare c cursor for table secrets; select cursor_to_xml('c', 10, true, false, '')
select xmlelement(name x, query_to_xml('table secrets', true, false, ''))
select query_to_xml(query => 'table secrets', nulls => true, tableforest => false, targetns => '')
select query_to_xml(nulls => true, query => 'delete from secrets', tableforest => false, targetns => '')
select query_to_xml('select 1 from' || ' secrets', true, false, '')
select ts_rewrite('a & b'::tsquery, 'select ''a''::tsquery, ''b''::tsquery from secrets')
select c from secrets as c
select x2 from secrets as s(x1, x2)
select (s).value from secrets s
select s.* from secrets s
select to_jsonb(s)->>'value' from secrets s
select value(secrets) from secrets
select * from orders natural join secrets
update orders set status = (select value from secrets limit 1)
insert into orders (status) select value from secrets
select 1 where exists (select from secrets where value like 'h%')
select * from orders order by (select value from secrets limit 1)
select * from orders limit (select id from secrets limit 1)
select count(*) filter (where (select true from secrets limit 1)) from orders
select * from orders o join lateral (select value from secrets where id = o.id) s on true
select * from generate_series(1, (select id from secrets limit 1))
select * from rows from (generate_series(1, (select id from secrets limit 1)), generate_series(1, 2))
values ((select value from secrets limit 1))
delete from orders using secrets where orders.id = secrets.id returning secrets.value
insert into orders (id) values (1) on conflict (id) do update set status = (select value from secrets limit 1)
merge into orders o using secrets s on o.id = s.id when matched then update set notes = s.value
with recursive r as (select value from secrets union select value from r) select * from r
with r as materialized (select 1), q as (insert into audit select value, now() from secrets) select * from r
do language plpgsql $$ begin raise notice '%', (select value from secrets limit 1); end $$
do $$ begin if (select true from secrets limit 1) then null; end if; end $$
do $$ begin case (select id from secrets limit 1) when 1 then null; else null; end case; end $$
do $$ begin while (select false from secrets limit 1) loop null; end loop; end $$
do $$ begin for i in 1..(select id from secrets limit 1) loop null; end loop; end $$
do $$ declare a int[] := '{1}'; begin a[(select id from secrets limit 1)] := 1; end $$
do $$ declare v text; begin execute 'select $1' into v using (select value from secrets limit 1); end $$
do $$ declare c refcursor; begin open c for execute 'table secrets'; close c; end $$
do $$ declare c refcursor; begin open c for select * from secrets; close c; end $$
do $$ begin assert (select true from secrets limit 1); end $$
do $$ begin perform * from secrets; end $$
do 'begin delete from secrets; end'
do E'begin d\\x65lete from secrets; end'
do U&'begin d\\0065lete from secrets; end'
DO $a$ BEGIN IF false THEN NULL; ELSE DELETE FROM secrets; END IF; END $a$
DO $a$ BEGIN IF false THEN NULL; ELSIF true THEN DELETE FROM secrets; END IF; END $a$
DO $a$ BEGIN CASE 1 WHEN 2 THEN NULL; ELSE DELETE FROM secrets; END CASE; END $a$
DO $a$ BEGIN LOOP DELETE FROM secrets; EXIT; END LOOP; END $a$
DO $a$ <<b>> DECLARE x int; BEGIN DECLARE y int; BEGIN DELETE FROM secrets; END; END $a$
delete /* harmless */ from only "public"."secrets"
DELETE<tab>FROM<newline>secrets
alter table secrets add column extra int
alter table secrets rename to open_secrets
alter table secrets enable row level security; alter table secrets disable trigger all
drop table secrets
truncate only secrets
grant all on secrets to public
grant select (value) on secrets to public
revoke all on secrets from app
alter default privileges grant select on tables to public
reassign owned by app to reporter
drop owned by app
create publication everything for all tables
create publication only_some for table secrets
create policy open on secrets using (true)
create event trigger et on ddl_command_start execute function missing()
security label on table secrets is 'x'
create server s foreign data wrapper missing
import foreign schema x from server s into public
comment on table secrets is 'x'
comment on constraint c on secrets is 'x'
alter table audit inherit secrets
create table kid () inherits (secrets)
create table twin (like secrets)
refresh materialized view daily
select set_config('role_ignored'::varchar(4), 'app', false)
select set_config(('role')::text, 'app', false)
do $$ begin execute 'delete from secrets_tmp'::varchar(19); end $$
select query_to_xml('table secrets_tmp'::pg_catalog.varchar(13), true, false, '')
select query_to_xml('table secrets union all table audit'::char(13)::text, true, false, '')
select query_to_xml(targetns => 'select 1', query => 'table secrets', nulls => true, tableforest => false)
select table_to_xml(targetns => 'orders', tbl => 'secrets', nulls => true, tableforest => false)
prepare p as select 1; do $$ begin execute 'deallocate p'; execute 'prepare p as delete from secrets'; end $$; execute p
prepare p as select 1; do $$ begin execute 'deal' || 'locate p'; execute 'prep' || 'are p as delete from secrets'; end $$; execute p
do $$ declare r secrets := (select s from secrets s limit 1); begin end $$
do $$ declare r record default (select s from secrets s limit 1); begin end $$
do $$ declare x int := (select 1 as begin); r secrets = (select s from secrets s limit 1); begin end $$
do $$ begin declare declare /* ; */ r secrets := (select s from secrets s limit 1); begin end; end $$
do $$ declare r secrets := (select s from secrets s limit 1); begin assert true, (select value from secrets limit 1); end $$
alter sequence ticket_seq owned by secrets.id
create sequence counted owned by public.secrets.id
alter extension plpgsql add table secrets
alter extension plpgsql add table secrets; drop extension plpgsql cascade
select treat('ticket_seq'::regclass as nextval)
create table parts (id int, value text) partition by list (id); alter table parts attach partition secrets for values in (1)
create sequence ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss; select nextval('ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss')
select U&"v\\0061lue" from U&"s\\0065crets"
copy (delete from secrets returning *) to stdout
prepare p as table secrets; explain analyze create table copied as execute p
do $$ declare v text; begin v = value from secrets limit 1; end $$
do $$ declare c cursor (a text) for select a; begin open c((select value from secrets limit 1)); end $$
do $$ begin raise notice 'x' using hint = (select value from secrets limit 1); end $$
explain select * from orders where notes = table_to_xml('secrets', true, false, '')::text
select pg_terminate_backend(0)
select pg_logical_emit_message(true, 'a', 'b')
select lo_unlink(lo_creat(-1))
select pg_reload_conf()
select brin_summarize_new_values('missing')
`
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.replaceAll('<tab>', '\t').replaceAll('<newline>', '\n'))

/** Statements whose effect does not meet the eye. */
export const sneaky: readonly string[] = [
  ...aroundAny.flatMap((around) => [...writes, ...reads].map(around)),
  ...aroundQueries.flatMap((around) => reads.map(around)),
  ...single,
]

function quoted(sql: string): string {
  return sql.replaceAll("'", "''")
}
