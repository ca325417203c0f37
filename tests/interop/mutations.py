#!/usr/bin/env python3
"""How many misspellings of the bundled policies are caught: every identifier, one letter changed, one at a time.

    mutations.py [--rollproof PATH] [--opa PATH]

The static checks are asked first (by a test of the crate, which is not run otherwise). What they let pass is given to the
policies' own unit tests, and then to the fixtures, under the real OPA. Prints the share that is caught, and exits with 1
where one is not.
"""

import argparse
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUTANTS = ["cargo", "test", "--locked", "--quiet", "--lib", "--", "--ignored", "--nocapture", "a_letter_changed"]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--opa", default="opa", help="the real OPA")
    options = options.parse_args()

    said = subprocess.run(MUTANTS, cwd=ROOT, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    total, checked = map(int, re.search(r"identifiers (\d+), refused by the checks (\d+)", said).groups())
    findings = same_findings()
    tested, judged, missed = 0, 0, []
    for file, at, letter in re.findall(r"^mutant (\S+) (\d+) (.)$", said, re.MULTILINE):
        with tempfile.TemporaryDirectory() as scratch:
            policies = pathlib.Path(scratch) / "policies"
            shutil.copytree(ROOT / "policies", policies)
            path = pathlib.Path(scratch) / file
            text = path.read_bytes()
            at = int(at)
            path.write_bytes(text[:at] + letter.encode() + text[at + 1 :])
            if subprocess.run([options.opa, "test", str(policies)], capture_output=True).returncode != 0:
                tested += 1
            elif differs(findings, policies, options):
                judged += 1
            else:
                line = text[:at].count(b"\n")
                missed.append(f"{file}:{line + 1}: {text.splitlines()[line].decode()}")
    caught = checked + tested + judged
    print(f"{caught} of {total} misspellings are caught: {checked} by the checks, {tested} by unit tests, {judged} by fixtures")
    for line in missed:
        print(f"not caught: {line}", file=sys.stderr)
    return 1 if missed else 0


def differs(findings, policies, options):
    """Whether the verdict on some fixture is another one."""
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
