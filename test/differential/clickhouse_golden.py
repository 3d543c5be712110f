"""Asks a real ClickHouse (PyPI: chdb) what it makes of each statement of the corpora and writes clickhouse-golden.json.

Run it beside the corpora in an environment with chdb: `python clickhouse_golden.py`.
"""
import json
import pathlib
import re

from chdb import session

HERE = pathlib.Path(__file__).parent
SERVER = session.Session()


def ask(query):
    try:
        return SERVER.query(query, "TSVRaw").data()
    except Exception as error:
        return f"ERROR {error}"


def facts(sql):
    """The names in the syntax tree; for what has no tree (SYSTEM, SHOW …) only that it is accepted."""
    tree = ask("EXPLAIN AST " + sql)
    if tree.startswith("ERROR"):
        return {"accepted": False}
    tables = re.findall(r"^ *TableIdentifier (.*?)(?: \(alias .*\))?$", tree, re.M)
    functions = re.findall(r"^ *Function (.*?)(?: \(alias .*?\))?(?: \(children \d+\))?$", tree, re.M)
    return {
        "accepted": True,
        "root": tree.split("\n", 1)[0].split(" (children")[0].strip(),
        "tables": sorted({name.lower() for name in tables}),
        "functions": sorted({name.lower() for name in functions}),
    }


def main():
    golden = {"version": ask("SELECT version()").strip(), "statements": {}}
    for name in ("clickhouse-honest.sql", "clickhouse-sneaky.jsonl"):
        for line in (HERE / name).read_text().splitlines():
            if line and not line.startswith("#"):
                sql = json.loads(line)["sql"] if name.endswith("jsonl") else line
                golden["statements"][sql] = facts(sql)
    text = json.dumps(golden, indent=1, ensure_ascii=False)
    (HERE / "clickhouse-golden.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
