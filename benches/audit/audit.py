#!/usr/bin/env python3
"""Time `rollproof audit` on months of archives, beside DuckDB reading the same JSON files.

    audit.py [--rollproof PATH] [--archives N] [--tenants M] [--folder FOLDER] [--zips] [--duckdb]

The archives are generated (`gen_archives.py`) into a temporary folder that is deleted again, unless --folder names one to keep. Reported are
wall time, how busy the processors were (2.0: two of them all the time; less where others work, so that then the ratio of processor times counts), and peak memory, of the largest process. The lag query that DuckDB is
given is the nearest that SQL gets: it reads every plan, fleet and response, takes the latest row of each tenant for what proves it, and knows
no canary, no tolerance, no dry run and no policy. DuckDB comes from PyPI; with --duckdb it is run with the Python that runs this.

With --zips the same archives are read once more, a ZIP for each rollout, and must lead to the same. DuckDB cannot read ZIPs: Python's zipfile
unpacks them for it, on every processor, and that is part of its time.
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
RATIOS = ["time / DuckDB's", "processor time / DuckDB's", "memory / DuckDB's"]
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

UNPACK = r"""
import os, sys, zipfile
from concurrent.futures import ProcessPoolExecutor
def unpack(path):
    with zipfile.ZipFile(path) as packed:
        packed.extractall(os.path.join(sys.argv[1], os.path.splitext(os.path.relpath(path, sys.argv[2]))[0]))
with ProcessPoolExecutor() as pool:
    list(pool.map(unpack, [os.path.join(place, file) for place, _, files in os.walk(sys.argv[2]) for file in files], chunksize=64))
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


def after(*measured):
    """What commands took one after another."""
    wall = sum(one[2] for one in measured)
    return measured[-1][0], measured[-1][1], wall, sum(one[2] * one[3] for one in measured) / wall, max(one[4] for one in measured)


def line(kind, name, measured, other):
    _, _, wall, busy, memory = measured
    ratios = [wall / other[2], wall * busy / other[2] / other[3], memory / other[4]] if other else []
    cells = [kind, name, f"{wall:.1f} s", f"{busy:.2f}", f"{memory:,.0f} MiB", *(f"{ratio:.2f}" for ratio in ratios)]
    print(f"| {' | '.join(cells)} |", flush=True)


def duckdb(kind, folder, scratch):
    """What DuckDB took for the archives of a folder, and how many spans it names."""
    if kind == "plain":
        return measure([sys.executable, "-c", DUCKDB, folder])
    unpacked = os.path.join(scratch, "unpacked")
    unpacking = measure([sys.executable, "-c", UNPACK, unpacked, folder])
    queried = measure([sys.executable, "-c", DUCKDB, unpacked])
    shutil.rmtree(unpacked, ignore_errors=True)
    return after(unpacking, queried)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=os.path.join(ROOT, "target/dist/rollproof"))
    options.add_argument("--archives", type=int, default=10_000)
    options.add_argument("--tenants", type=int, default=1_000)
    options.add_argument("--folder", help="a folder of archives that is there, or is to be made and kept; FOLDER.zip has their ZIPs")
    options.add_argument("--zips", action="store_true", help="also the same archives as ZIPs")
    options.add_argument("--parquet", action="store_true", help="also with --parquet, which needs a build that has it")
    options.add_argument("--duckdb", action="store_true", help="also with DuckDB, which needs the package from PyPI")
    options = options.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or os.path.join(scratch, "archives")
        if not os.path.isdir(folder):
            days = max(1, options.archives * 270 // 10_000)
            size = gen_archives.generate(folder, options.archives, options.tenants, days, planes=1, packed=0.02, seed=1)
            print(f"{options.archives} archives of {options.tenants} tenants, {size / 1e9:.2f} GB\n")
        folders = {"plain": folder}
        if options.zips:
            folders["ZIPs"] = f"{folder}.zip"
            if not os.path.isdir(folders["ZIPs"]):
                print(f"as ZIPs {gen_archives.zipped(folder, folders['ZIPs']) / 1e9:.2f} GB\n")
        header = ["archives", "program", "time", "processors", "peak memory", *(RATIOS if options.duckdb else [])]
        print(f"| {' | '.join(header)} |\n|---|---|{'--:|' * (len(header) - 2)}", flush=True)
        spans, problems = [], []
        for kind, folder in folders.items():
            command = [options.rollproof, "audit", folder, "--quiet", "--format", "json", "--until", "2027-01-01"]
            audited = measure(command)
            asked = duckdb(kind, folder, scratch) if options.duckdb else None
            line(kind, "rollproof audit", audited, asked)
            code, text, _, _, memory = audited
            report = json.loads(text)
            # The reasons name the files that enumerated a fleet, which are others.
            spans.append([{name: lag[name] for name in lag if name != "reason"} for lag in report["lag"]])
            if code != 1 or len(report["audit"]["rollouts"]) != options.archives:
                problems.append(f"{kind}: exit code {code}, {len(report['audit']['rollouts'])} rollouts of {options.archives}")
            if memory > MEBIBYTES:
                problems.append(f"{kind}: {memory:.0f} MiB are more than {MEBIBYTES}")
            if options.parquet:
                tables = os.path.join(scratch, "tables")
                line(kind, "rollproof audit --parquet", measure([*command, "--parquet", tables]), asked)
                size = sum(os.path.getsize(os.path.join(place, name)) for place, _, files in os.walk(tables) for name in files)
                print(f"\nParquet: {size / 1e6:.1f} MB\n")
                shutil.rmtree(tables)
            if asked:
                line(kind, "DuckDB", asked, asked)
                print(f"{len(report['lag'])} spans, of DuckDB {asked[1].strip()}; its exit code is {asked[0]}", file=sys.stderr)
        if any(one != spans[0] for one in spans):
            problems.append("the ZIPs lead to other spans than what is in them")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
