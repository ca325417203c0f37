#!/usr/bin/env python3
"""How many misspellings of the bundled policies are caught: every identifier, one letter changed, one at a time.

    mutations.py [--rollproof PATH] [--opa PATH]

The static checks are asked first, by mutants.rs. What they let pass is given to the
policies' own unit tests, and then to the fixtures, under the real OPA. Prints the share that is caught, and exits with 1
where one is not.
"""

import argparse
import concurrent.futures
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUTANTS = ["cargo", "bench", "--locked", "--quiet", "--profile", "dist", "--bench", "mutants"]
AT_LEAST = 2000


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--opa", default="opa", help="the real OPA")
    options = options.parse_args()

    said = subprocess.run(MUTANTS, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8").stdout
    total, checked = map(int, re.search(r"identifiers (\d+), refused by the checks (\d+)", said).groups())
    if total < AT_LEAST:
        sys.exit(f"at least {AT_LEAST} identifiers were expected, and there are {total}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        caught = list(pool.map(lambda mutant: ask(options, *mutant), re.findall(r"^mutant (\S+) (\d+) (.)$", said, re.MULTILINE)))
    tested, judged = caught.count("tests"), caught.count("fixtures")
    missed = [by for by in caught if by not in ("tests", "fixtures")]
    count = checked + tested + judged
    print(f"{count} of {total} misspellings are caught ({100 * count / total:.1f} %): {checked} by the checks, {tested} by unit tests, {judged} by fixtures")
    for line in missed:
        print(f"not caught: {line}", file=sys.stderr)
    return 1 if missed else 0


def ask(options, file, at, letter):
    """What catches a misspelling, `tests` or `fixtures`; else where it stands."""
    with tempfile.TemporaryDirectory() as scratch:
        policies = pathlib.Path(scratch) / "policies"
        shutil.copytree(ROOT / "policies", policies)
        path = pathlib.Path(scratch) / file
        text, at = path.read_bytes(), int(at)
        path.write_bytes(text[:at] + letter.encode() + text[at + 1 :])
        if subprocess.run([options.opa, "test", str(policies)], capture_output=True).returncode != 0:
            return "tests"
        if differs(policies, options):
            return "fixtures"
        line = text[:at].count(b"\n")
        return f"{file}:{line + 1}: {text.splitlines()[line].decode()}"


def differs(policies, options):
    """Whether the verdict on some fixture is another one."""
    findings = same_findings()
    findings.POLICIES = policies
    cases = [path.parent for path in sorted((ROOT / "fixtures").glob("*/*/case.json"))]
    cases = [case for case in cases if findings.read(case / "case.json")["exit"] != findings.REFUSED]
    return any(findings.compare(os.path.abspath(options.rollproof), options.opa, case) for case in cases)


def same_findings():
    spec = importlib.util.spec_from_file_location("same_findings", pathlib.Path(__file__).parent / "same-findings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
