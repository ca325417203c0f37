#!/usr/bin/env python3
"""The lag queries of docs/at-scale.md give what `rollproof audit` itself answers.

    at-scale.py [--rollproof PATH] [--engine duckdb|spark] [--archives N] [--tenants M]

Archives are generated, `audit` writes them as Parquet and its own answer as JSON, and the statements that stand in docs/at-scale.md under the
engine's name are run as they stand there, but for the folder and the moment up to which lag is counted. Every column of every span must be the
same, and their order. The binary needs the feature `parquet`; the Python that runs this needs the package `duckdb` or `pyspark` from PyPI,
and Spark a Java of version 17 or later. Exits with 1, and the differences, where something differs.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/at-scale.md"
COLUMNS = ["tenant", "control_plane", "since", "until", "rollouts", "seconds", "state", "reason", "waived"]
HEADINGS = {"duckdb": "In DuckDB:", "spark": "In Spark SQL:"}
UNTIL = "2026-10-01T00:00:00Z"
AT_LEAST = 200
sys.path.insert(0, str(ROOT / "benches/audit"))
import gen_archives  # noqa: E402


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary, with the feature parquet")
    options.add_argument("--engine", choices=sorted(HEADINGS), default="duckdb")
    options.add_argument("--archives", type=int, default=300)
    options.add_argument("--tenants", type=int, default=100)
    options = options.parse_args()

    wrong = spans = 0
    with tempfile.TemporaryDirectory() as scratch:
        # One control plane, whose rollouts without a plan are its own, and several, where such rollouts stand by themselves.
        for planes in 1, 3:
            folder = pathlib.Path(scratch, f"planes-{planes}")
            gen_archives.generate(str(folder / "archives"), options.archives, options.tenants, 90, planes, 0.1, seed=planes)
            audited = audit(options.rollproof, folder)
            began = time.perf_counter()
            answered = ENGINES[options.engine](statements(options.engine, folder / "tables"))
            took = time.perf_counter() - began
            differences = compare(audited, answered)
            for difference in differences[:20]:
                print(f"{planes} control planes: {difference}", file=sys.stderr)
            wrong, spans = wrong + bool(differences), spans + len(audited)
            print(f"{planes} control planes: {len(audited)} spans, {len(differences)} differ, {took:.1f} s for the query", file=sys.stderr)
    if spans < AT_LEAST:
        print(f"at least {AT_LEAST} spans were expected", file=sys.stderr)
        wrong += 1
    print(f"{2 - min(wrong, 2)} passed, {min(wrong, 2)} failed")
    return 1 if wrong else 0


def audit(rollproof, folder):
    """The audit's own answer; its rows lie in `tables` then."""
    command = [rollproof, "audit", folder / "archives", "--until", UNTIL, "--format", "json", "--quiet", "--parquet", folder / "tables"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"rollproof audit: exit code {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)["lag"]


def statements(engine, tables):
    """The statements of the page for one engine."""
    text = PAGE.read_text().split(f"\n{HEADINGS[engine]}\n", 1)[1].split("```sql\n", 1)[1].split("\n```", 1)[0]
    for what in "'OUT", f"'{UNTIL}'":
        assert text.count(what) == 1, f"{what} stands once in the statements for {engine}"
    return [statement for statement in text.replace("'OUT", f"'{tables}").split(";") if statement.strip()]


def duckdb(statements):
    import duckdb as engine
    with engine.connect() as connection:
        for statement in statements:
            relation = connection.sql(statement)
        return [dict(zip(relation.columns, row)) for row in relation.fetchall()]


def spark(statements):
    from pyspark.sql import SparkSession
    session = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
    session = session.config("spark.sql.shuffle.partitions", "4").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    session.sql("DROP VIEW IF EXISTS evidence")
    session.sql("DROP TEMPORARY VARIABLE IF EXISTS up_to")
    for statement in statements:
        answer = session.sql(statement)
    return [row.asDict() for row in answer.collect()]


ENGINES = {"duckdb": duckdb, "spark": spark}


def compare(audited, answered):
    """What is different, in words."""
    if answered and list(answered[0]) != COLUMNS:
        return [f"the query has the columns {list(answered[0])}"]
    expected = [{column: plain(lag.get(column)) for column in COLUMNS} for lag in audited]
    found = [{column: plain(row[column]) for column in COLUMNS} for row in answered]
    differences = [f"\n  audit: {one}\n  query: {other}" for one, other in zip(expected, found) if one != other]
    if len(expected) != len(found):
        differences.append(f"{len(expected)} spans in the audit, {len(found)} in the query")
    return differences


def plain(value):
    """A value; a time as RFC 3339 in UTC."""
    if isinstance(value, datetime.datetime):
        value = value.astimezone(datetime.timezone.utc) if value.tzinfo else value.astimezone().astimezone(datetime.timezone.utc)
        return value.isoformat().replace("+00:00", "Z")
    return value


if __name__ == "__main__":
    sys.exit(main())
