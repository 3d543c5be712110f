-- Definitions and changes: constraints, triggers, views, functions of every kind, notices, errors.
\set VERBOSITY verbose
\set SHOW_CONTEXT always
create schema shop;
set search_path = shop, public;
create type size as enum ('small', 'medium', 'large');
create domain amount as numeric(12, 2) check (value >= 0);
create table article (
  id int generated always as identity primary key,
  name text not null unique,
  size size default 'medium',
  price amount not null,
  tags text[] default '{}',
  extra jsonb,
  made timestamptz default '2020-02-02 02:02:02+00',
  span int4range,
  check (length(name) < 40)
);
create table sale (
  id serial primary key,
  article int references article on delete cascade deferrable initially deferred,
  count int not null check (count > 0),
  day date not null
) partition by range (id);
create table sale (id int);
drop table sale;
create table sale (
  id int,
  article int references article on delete cascade deferrable initially deferred,
  count int not null check (count > 0),
  day date not null,
  primary key (id, day)
) partition by range (day);
create table sale_2023 partition of sale for values from ('2023-01-01') to ('2024-01-01');
create table sale_2024 partition of sale for values from ('2024-01-01') to ('2025-01-01');
create index on sale (article, day desc) include (count);
comment on table article is 'what is ''sold''; with "quotes" and a -- dash';
insert into article (name, price, tags, extra, span)
  select 'article ' || n, n * 1.25, array['t' || n % 7, 'é"\'], jsonb_build_object('n', n, 'deep', jsonb_build_array(n, null)), int4range(n, n + 5)
  from generate_series(1, 500) n;
insert into sale select n, 1 + n % 500, 1 + n % 9, date '2023-01-01' + n % 700 from generate_series(1, 5000) n;
insert into sale values (1, 1, 1, '2030-01-01');
insert into sale values (9001, 1, 0, '2024-01-01');
insert into sale values (9001, 4711, 1, '2024-01-01');
insert into article (name, price) values ('article 1', 1);
insert into article (name, price) values ('free', -1);
insert into article (name, size, price) values ('odd', 'huge', 1);
insert into article (name, price) values ('article 1', 7) on conflict (name) do update set price = excluded.price returning id, name, price;
update article set price = price * 2 where id % 100 = 0 returning id, name, size, price, tags, extra, made, span;
with gone as (delete from article where id > 490 returning *), kept as (update article set size = 'large' where id < 3 returning id)
  select count(*), (select count(*) from kept) from gone;
merge into article a using (values ('article 2', 2.0), ('new one', 3.0)) v(name, price) on a.name = v.name
  when matched then update set price = v.price when not matched then insert (name, price) values (v.name, v.price);
select name, price from article where name in ('article 2', 'new one') order by 1;
create view best as select article, sum(count) as total from sale group by article having sum(count) > 40;
create materialized view total as select day, sum(count) from sale group by day with no data;
select * from total;
refresh materialized view total;
select count(*), sum(sum) from total;
create function discount(amount, int default 10) returns amount language sql immutable as $$ select ($1 * (100 - $2) / 100)::amount $$;
create function body(n int) returns setof article begin atomic select * from article where id <= n order by id; end;
create procedure restock(inout n int) language plpgsql as $body$
declare
  each record;
begin
  for each in select id, name from article where id <= n order by id loop
    raise notice 'restocking % (%)', each.name, each.id using hint = 'look', detail = 'no; yes';
    if each.id = 2 then commit; end if;
  end loop;
  n := n * 2;
  raise warning 'done; "%"', n;
end $body$;
call restock(3);
select discount(100), discount(100, 50), (select count(*) from body(5));
create function watch() returns trigger language plpgsql as $$
begin
  raise notice '% on % of %', tg_op, tg_table_name, coalesce(new.id, old.id);
  if tg_op = 'DELETE' and old.id = 7 then raise exception 'number % stays', old.id using errcode = 'P4711', column = 'id', table = 'article'; end if;
  return coalesce(new, old);
end $$;
create trigger watching before insert or update or delete on article for each row execute function watch();
update article set price = 1 where id between 4 and 6;
delete from article where id between 5 and 8;
delete from article where id = 6;
create rule quiet as on insert to best do instead nothing;
insert into best values (1, 1);
do $$ begin perform 1 / 0; exception when division_by_zero then raise notice 'caught %', sqlerrm; end $$;
do language plpgsql 'begin raise info ''in quotes; select 1;''; end';
explain (costs off) select * from sale where day = '2024-02-02' and article = 3;
explain (analyze, costs off, timing off, summary off, buffers off) select count(*) from article where id < 100;
alter table article add column note text default 'x', alter column size drop default, drop constraint article_name_check;
alter table article rename column note to remark;
select conname from pg_constraint where conrelid = 'article'::regclass order by 1;
\d article
\d+ best
\df shop.*
\dn
grant select on article to public;
\dp article
revoke select on article from public;
select id, name, size, price, tags, extra, span, remark from article order by id limit 20;
\x
select * from article order by id desc limit 2;
\x
table total order by day limit 5;
values (1, 'one'), (2, null), (3, E'tab\tnew\nline \\ back') order by 1;
select repeat('wide ', 2000) as wide, n from generate_series(1, 40) n;
select n, md5(n::text), n::numeric / 7, n::float8 / 7, now() - now(), interval '1 day' * n, point(n, n), inet '10.0.0.0' + n, n % 2 = 0, null::text
  from generate_series(1, 3000) n;
truncate sale;
drop table article;
drop table article cascade;
drop schema shop cascade;
