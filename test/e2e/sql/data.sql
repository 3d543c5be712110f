-- Data in and out: COPY in every format, its errors, large objects by functions, wide values, lines that look like ends.
create table line (id int, word text, number numeric, flag bool, made timestamp);
copy line from stdin;
1	plain	1.5	t	2024-01-01 00:00:00
2	tab\tnewline\nback\\slash	\N	f	\N
3	\\.	-0.00001	t	infinity
4	\N	NaN	\N	-infinity
\.
copy line from stdin with (format csv, header match, null 'nothing', delimiter ';', quote '''');
id;word;number;flag;made
5;'quoted; "text"
in two lines';2;true;nothing
6;nothing;nothing;nothing;2024-02-29
\.
copy line to stdout;
copy line to stdout with (format csv, header, force_quote *);
copy (select id, word from line order by id desc) to stdout with (delimiter '|', null '');
copy line from stdin;
7	too	few
\.
copy line from stdin;
x	y	1	t	2024-01-01
\.
copy line (id, word) from stdin where id > 8;
8	left out
9	taken
\.
copy line from stdin with (format csv);
10,"never ends,1,t,2024-01-01
\.
copy nowhere from stdin;
select 'read as SQL, not as data' as told;
begin;
copy line (id) from stdin;
11
\.
copy line (id) from stdin;
not a number
\.
select 'not run';
rollback;
select count(*), sum(id) from line;
\copy line (id, word) from stdin csv
12,"one"
13,"two, too"
\.
\copy (select id, word from line where id > 11) to stdout csv header
\copy line (id) from program 'seq 100 120'
\copy (select id from line where id >= 100) to program 'sort -n | tail -2'
create temporary table big (id int, word text);
copy big from program 'false';
insert into big select n, repeat(chr(65 + n % 26), n % 200) from generate_series(1, 20000) n;
copy (select * from big where id % 40 = 0) to stdout;
copy (select id, word from big where id < 50) to stdout (format binary);
select md5(string_agg(id || word, ',' order by id)) from big;
copy (select 1 / (id - 900) from big where id > 800 order by id) to stdout;
-- large objects, by functions called in SQL and by message
select lo_from_bytea(4711, '\x00010203ff'::bytea);
select lo_get(4711), length(lo_get(4711, 1, 3));
select lo_put(4711, 3, 'put in the middle'::bytea);
begin;
select lo_open(4711, 393216) as fd \gset
select lowrite(:fd, 'written'::bytea), lo_lseek64(:fd, 0, 0), loread(:fd, 9), lo_tell(:fd), lo_truncate(:fd, 4);
commit;
select lo_get(4711), lo_get(4712);
\lo_list
\lo_export 4711 /dev/null
\lo_export 4712 /dev/null
\lo_unlink 4712
select lo_unlink(4711), lo_unlink(4711);
-- wide
select length(word), md5(word) from (select repeat('0123456789', 300000) as word) w;
select repeat('x', 200000) as long_line;
select array_agg(n) from generate_series(1, 5000) n;
select jsonb_pretty(jsonb_object_agg(n, jsonb_build_object('n', n, 'text', repeat('é', 20)))) from generate_series(1, 200) n;
select xmlelement(name a, xmlattributes(1 as b), 'text & more');
select * from json_to_recordset('[{"a":1,"b":"x"},{"a":2}]') as t(a int, b text);
select n, lag(n) over w, sum(n) over (order by n rows 2 preceding), ntile(3) over w from generate_series(1, 12) n window w as (order by n);
with recursive up(n) as (select 1 union all select n + 1 from up where n < 2000) select sum(n), max(n) from up;
select to_tsvector('english', 'The quick brown foxes') @@ 'fox', ts_headline('quick fox', 'fox'::tsquery);
select grouping(a, b), a, b, sum(c) from (values (1, 1, 5), (1, 2, 6), (2, 1, 7)) v(a, b, c) group by cube (a, b) order by 1, 2, 3;
drop table line;
