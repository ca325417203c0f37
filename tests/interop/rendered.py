#!/usr/bin/env python3
"""Judges every fixture with a verdict and writes its report in some formats, for readers of these formats.

usage: rendered.py ROLLPROOF FOLDER FORMAT=FILE...
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    rollproof, out, *reports = sys.argv[1:]
    rollproof, out = Path(rollproof).resolve(), Path(out).resolve()
    cases = [case for pattern in ["*/*/case.json", "examples/*/*/verify.json"] for case in (ROOT / "fixtures").glob(pattern)]
    cases = [case.parent for case in cases if json.loads(case.read_text())["exit"] != 4]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda folder: render(rollproof, folder, out / folder.relative_to(ROOT / "fixtures"), reports), cases))
    print(f"{len(cases)} fixtures")


def render(rollproof, folder, out, reports):
    out.mkdir(parents=True, exist_ok=True)
    has = lambda name: (folder / name).is_file()
    args = [next(name for name in ["run.journal", "document.json", "response.json"] if has(name))]
    for option, name in [("--fleet", "fleet.json"), ("--fleet", "fleet.txt"), ("--plan", "plan.json")]:
        args += [option, name] if has(name) else []
    args += json.loads((folder / ("verify.json" if has("verify.json") else "case.json")).read_text())["args"]
    for report in reports:
        form, file = report.split("=")
        args += ["--report", f"{form}={out / file}"]
    ran = subprocess.run([rollproof, "verify", *args], cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 1, 3):
        raise SystemExit(f"{folder}: {ran.stderr}")


if __name__ == "__main__":
    main()
