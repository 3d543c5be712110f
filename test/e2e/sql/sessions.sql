-- State of a session: transactions, savepoints, cursors, prepared statements, settings, notifications, what psql adds.
\set VERBOSITY verbose
\set ON_ERROR_STOP off
create table account (id int primary key, balance int not null check (balance >= 0));
insert into account select n, 100 from generate_series(1, 50) n;
begin;
update account set balance = balance - 10 where id = 1;
savepoint one;
update account set balance = balance - 1000 where id = 1;
select 'not run';
rollback to one;
select balance from account where id = 1;
savepoint two;
release savepoint two;
rollback to two;
rollback to savepoint one;
commit and chain;
show transaction_isolation;
commit;
commit;
begin transaction isolation level serializable read only deferrable;
insert into account values (99, 1);
rollback;
start transaction; select 1 as a; select nothing; commit;
select 1 as one \; select 2 as two \; select 1 / 0 \; select 3;
insert into account values (60, 1) \; insert into account values (60, 2);
select count(*) from account where id = 60;
begin \; insert into account values (61, 1) \; commit \; insert into account values (62, 1) \; select 1 / 0;
select id from account where id > 60;
begin;
declare c scroll cursor with hold for select id, balance from account order by id;
fetch 3 from c;
fetch backward 2 from c;
fetch absolute 10 from c;
move relative 5 in c;
fetch first from c;
fetch all from c;
commit;
fetch prior from c;
close c;
close c;
begin;
declare d cursor for select id from account for update;
fetch 2 from d;
update account set balance = 7 where current of d;
fetch d;
commit;
fetch d;
prepare by_id (int) as select id, balance from account where id = $1;
execute by_id (2);
execute by_id ('x');
execute by_id (3, 4);
prepare by_id as select 1;
select name, parameter_types::text from pg_prepared_statements order by 1;
explain (costs off) execute by_id (2);
deallocate by_id;
execute by_id (2);
prepare change as update account set balance = balance + $1 where id = $2 returning *;
execute change (5, 3);
deallocate all;
set work_mem = '5MB';
set local work_mem = '6MB';
show work_mem;
begin;
set local statement_timeout = 20;
select pg_sleep(5);
rollback;
show statement_timeout;
set bogus.value = 'x; y';
show bogus.value;
set search_path to nowhere;
select count(*) from account;
reset search_path;
reset all;
set datestyle to 'German, DMY';
select date '2024-12-31', timestamp '2024-12-31 23:59:59.999', 'infinity'::date;
set datestyle to iso;
set time zone 'Asia/Tokyo';
select timestamptz '2024-06-01 00:00:00+00';
set intervalstyle to iso_8601;
select interval '1 year 2 days 03:04:05';
set bytea_output to escape;
select '\x00ff41'::bytea;
reset all;
set client_encoding to latin1;
select 'abc' as plain;
set client_encoding to utf8;
select 'zażółć gęślą 🐘' as unicode, length('🐘'), U&'\0441\043B\043E\043D' as escaped, E'\u00e9' as e, $tag$a $$ b; '$tag$ as dollars;
set standard_conforming_strings to on;
select 'back\slash', E'back\\slash';
set role none;
set session authorization default;
select pg_advisory_lock(42), pg_try_advisory_lock(42), pg_advisory_unlock(42);
create temporary table passing (id int) on commit drop;
begin;
create temporary table passing (id int) on commit drop;
insert into passing values (1);
commit;
select * from passing;
listen here;
notify here;
notify here, 'a; "payload"';
begin;
notify here, 'with the transaction';
notify here, 'with the transaction';
commit;
select pg_notify('here', repeat('x', 100));
unlisten *;
notify here, 'nobody hears';
discard plans;
discard all;
-- what psql does by itself
select 1 as "a", 'x'::varchar(3) as "B", null::numeric(7, 2) as c, array[1] as d \gdesc
select 'no column' from nowhere \gdesc
select id as first_id, balance as first_balance from account order by id limit 1 \gset
\echo :first_id :first_balance
select format('select %s as made', n) from generate_series(1, 5) n \gexec
select n % 3 as r, n % 2 as c, sum(n) from generate_series(1, 20) n group by 1, 2 order by 1, 2 \crosstabview
select :'first_id' as quoted, :"first_id" from (select 1 as "1") s;
\if :{?first_id}
select 'there' as is_there;
\else
select 'not there' as is_there;
\endif
\set AUTOCOMMIT off
insert into account values (70, 1);
rollback;
select count(*) from account where id = 70;
commit;
\set AUTOCOMMIT on
\set ON_ERROR_ROLLBACK on
begin;
insert into account values (71, 1);
insert into account values (71, 1);
select count(*) from account where id = 71;
commit;
\set ON_ERROR_ROLLBACK off
\set FETCH_COUNT 7
select n from generate_series(1, 30) n;
select 1 / (n - 12) from generate_series(1, 30) n;
\unset FETCH_COUNT
\timing off
\dt
\echo :SQLSTATE :ROW_COUNT
select 1 / 0;
\echo :SQLSTATE :LAST_ERROR_MESSAGE
\errverbose
;
;;
select 1 as last -- no newline, no end
;
/* nested /* comment; */ select 0; */ select 'after' as comment;
drop table account;
