#!/usr/bin/env python3
"""Time `rollproof audit` on months of archives, beside DuckDB reading the same JSON files.

    audit.py [--rollproof PATH] [--archives N] [--tenants M] [--folder FOLDER] [--duckdb]

The archives are generated (`gen_archives.py`) into a temporary folder that is deleted again, unless --folder names one to keep. Reported are
wall time, how busy the processors were (2.0: two of them all the time), and peak memory, of the process itself. The lag query that DuckDB is
given is the nearest that SQL gets: it reads every plan, fleet and response, takes the latest row of each tenant for what proves it, and knows
no canary, no tolerance, no dry run and no policy. DuckDB comes from PyPI; with --duckdb it is run with the Python that runs this.
"""
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MEBIBYTES = 256
sys.path.insert(0, HERE)
import gen_archives  # noqa: E402

DUCKDB = r"""
import duckdb, sys
folder = sys.argv[1]
duckdb.sql("SET memory_limit = '8GB'; SET preserve_insertion_order = false; SET enable_progress_bar = false")
place = r"regexp_extract(filename, '(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-again)?)', 1)"
def read(what, columns, more=""):
    return f"read_json('{folder}/**/*{what}.json*', columns = {columns}, filename = true{more})"
rows = duckdb.sql(f'''
    WITH responses AS (
        SELECT {place} AS rollout, row.slug AS tenant, coalesce(row.verified_on_target, row.ssm_exit_code = 0) AS proven
        FROM (SELECT filename, unnest(results) AS row
              FROM {read("response", "{results: 'STRUCT(slug VARCHAR, ssm_status VARCHAR, ssm_exit_code INT, verified_on_target BOOLEAN)[]'}")})
        WHERE row.ssm_status <> 'DryRun'
    ), fleets AS (
        SELECT {place} AS rollout, tenant FROM {read("fleet", "{tenant: 'VARCHAR'}", ", format = 'array'")}
    ), fanned AS (
        SELECT rollout FROM responses GROUP BY rollout HAVING count(*) FILTER (WHERE proven) > 1
    ), told AS (
        SELECT tenant, rollout, coalesce(bool_or(proven), false) AS proven
        FROM (SELECT * FROM responses UNION ALL SELECT rollout, tenant, NULL FROM fleets)
        WHERE rollout IN (SELECT rollout FROM fanned)
        GROUP BY tenant, rollout
    ), spans AS (
        SELECT *, sum(proven::INT) OVER (PARTITION BY tenant ORDER BY rollout) AS span FROM told
    )
    SELECT tenant, min(rollout) AS since, count(*) AS rollouts FROM spans WHERE NOT proven GROUP BY tenant, span
    ORDER BY rollouts DESC
''').fetchall()
print(len(rows))
"""


def measure(command):
    """(exit code, output, seconds, processors, peak mebibytes) of a command."""
    environment = {key: value for key, value in os.environ.items() if key != "RUST_BACKTRACE"}
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdout=output, stdin=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        output.seek(0)
        text = output.read().decode()
    return os.waitstatus_to_exitcode(status), text, wall, (usage.ru_utime + usage.ru_stime) / wall, usage.ru_maxrss / 1024


def line(name, measured):
    _, _, wall, busy, memory = measured
    print(f"| {name} | {wall:.1f} s | {busy:.2f} | {memory:.0f} MiB |", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=os.path.join(ROOT, "target/dist/rollproof"))
    options.add_argument("--archives", type=int, default=10_000)
    options.add_argument("--tenants", type=int, default=1_000)
    options.add_argument("--folder", help="a folder of archives that is there, or is to be made and kept")
    options.add_argument("--parquet", action="store_true", help="also with --parquet, which needs a build that has it")
    options.add_argument("--duckdb", action="store_true", help="also with DuckDB, which needs the package from PyPI")
    options = options.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or os.path.join(scratch, "archives")
        if not os.path.isdir(folder):
            days = max(1, options.archives * 270 // 10_000)
            size = gen_archives.generate(folder, options.archives, options.tenants, days, planes=1, packed=0.02, seed=1)
            print(f"{options.archives} archives of {options.tenants} tenants, {size / 1e9:.2f} GB\n")
        print("| program | time | processors | peak memory |\n|---|--:|--:|--:|", flush=True)
        command = [options.rollproof, "audit", folder, "--quiet", "--format", "json", "--until", "2027-01-01"]
        audited = measure(command)
        line("rollproof audit", audited)
        code, text, _, _, memory = audited
        report = json.loads(text)
        problems = []
        if code != 1 or len(report["audit"]["rollouts"]) != options.archives:
            problems.append(f"exit code {code}, {len(report['audit']['rollouts'])} rollouts of {options.archives}")
        if memory > MEBIBYTES:
            problems.append(f"{memory:.0f} MiB are more than {MEBIBYTES}")
        if options.parquet:
            tables = os.path.join(scratch, "tables")
            line("rollproof audit --parquet", measure([*command, "--parquet", tables]))
            size = sum(os.path.getsize(os.path.join(place, name)) for place, _, files in os.walk(tables) for name in files)
            print(f"\nParquet: {size / 1e6:.1f} MB\n")
        if options.duckdb:
            asked = measure([sys.executable, "-c", DUCKDB, folder])
            line("DuckDB", asked)
            print(f"\n{len(report['lag'])} spans, of DuckDB {asked[1].strip()}; its exit code is {asked[0]}", file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
