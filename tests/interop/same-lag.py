#!/usr/bin/env python3
"""The policy of audits gives the same findings under the real OPA as under the engine that rollproof embeds.

    same-lag.py [--rollproof PATH] [--opa PATH] [--runs N] [--seed N]

Random folders of archives are audited by the binary, which also writes the document of the audit. OPA evaluates
policies/rollproof on that document, with the parameters of the report. The findings must be equal. Exits with 1, and the
differences, where they are not, or where some code of the policy was never heard.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEVERITIES = ["deny", "inconclusive", "warn", "note"]
KEYS = ["code", "severity", "message", "tenants", "observed", "expected", "at"]
TENANTS = ["acme", "bolt", "cove", "dune"]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--opa", default="opa", help="the real OPA")
    options.add_argument("--runs", type=int, default=60, help="how many folders")
    options.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the random folders")
    options = options.parse_args()
    options.rollproof = os.path.abspath(options.rollproof)
    print(f"seed {options.seed}")
    heard, wrong = set(), 0
    for run in range(options.runs):
        ours, theirs = compare(options, random.Random(options.seed + run))
        heard |= {one["code"] for one in ours}
        if ours != theirs:
            wrong += 1
            print(f"run {run}:\n  rollproof {json.dumps(ours)}\n  OPA       {json.dumps(theirs)}", file=sys.stderr)
    readme = (ROOT / "policies/rollproof/lag/README.md").read_text()
    declared = {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `lag.")}
    print(f"{options.runs} audits compared, {wrong} differ, {len(heard)} of {len(declared)} codes heard")
    if heard != declared:
        print(f"never heard: {', '.join(sorted(declared - heard))}", file=sys.stderr)
    return 1 if wrong or heard != declared else 0


def compare(options, chance):
    """The findings of a random folder, told by both."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        archives = scratch / "archives"
        archives.mkdir()
        sick = chance.choice([None, "dune"])
        for day in range(1, chance.choice([1, 4, 10, 15])):
            rollout(archives, f"2026-07-{day:02}T10-00", sick, chance)
        if chance.random() < 0.2:
            (archives / "2026-08-01.response.json").write_text("{")
        if chance.random() < 0.2:
            (archives / "2026-08-02.plan.json").write_text(json.dumps(plan(None, chance)))
        if chance.random() < 0.2:
            rollout(archives, "run-7", sick, chance)
        if chance.random() < 0.2:
            for day in (1, 2):
                others = [f"other-{number}" for number in range(5)]
                rollout(archives, f"2026-07-{day:02}T22-00", None, chance, others)
        args = [options.rollproof, "audit", "archives", "--keep-going", "--until", f"2026-07-{chance.randrange(10, 30)}"]
        args += ["--behind-for", chance.choice(["0h", "24h", "90m", "333m", "20d"]), "--format", "json", "--document", "audit.json"]
        for option in ["--since", "--read-since"]:
            args += [option, f"2026-07-{chance.randrange(1, 12):02}"] if chance.random() < 0.2 else []
        ran = subprocess.run(args, cwd=scratch, capture_output=True, text=True)
        if not ran.stdout:
            raise SystemExit(f"no report: {ran.stderr}")
        report = json.loads(ran.stdout)
        params = {one["name"]: one["value"] for one in report["params"] if one["value"] is not None}
        (scratch / "params.json").write_text(json.dumps({"rollproof": {"params": params}}))
        ask = [options.opa, "eval", "--data", str(ROOT / "policies/rollproof"), "--data", "params.json", "--input", "audit.json"]
        ran = subprocess.run([*ask, "--format", "json", "data.rollproof.lag"], cwd=scratch, capture_output=True, text=True, check=True)
        said = json.loads(ran.stdout)["result"][0]["expressions"][0]["value"]
    theirs = [{**one, "severity": severity} for severity in SEVERITIES for one in said.get(severity, [])]
    return tidy(report["findings"]), tidy(theirs)


def rollout(archives, when, sick, chance, tenants=TENANTS):
    """One archive, good or bad in any way that an audit tells."""
    fleet = [tenant for tenant in tenants if chance.random() < 0.9]
    rows = [
        {"slug": tenant, "ssm_status": "Success", "verified_on_target": tenant != sick and chance.random() < 0.8}
        for tenant in fleet if chance.random() < 0.9
    ]
    (archives / f"{when}.plan.json").write_text(json.dumps(plan(chance.choice([None, "acme", "nobody"]), chance)))
    if chance.random() < 0.8:
        (archives / f"{when}.fleet.json").write_text(json.dumps(fleet))
    (archives / f"{when}.response.json").write_text(json.dumps({"ok": chance.random() < 0.7, "results": rows}))


def plan(canary, chance):
    return {
        "enabled": True, "sha": "a" * 40, "short_sha": "a" * 7, "target_tag": "staging-aaaaaaa", "cp_url": "https://cp.example",
        "rollout_http_timeout": 600,
        "body": {
            "target_tag": "staging-aaaaaaa", "canary_slug": canary, "soak_seconds": 1, "batch_size": 3,
            "max_stragglers": chance.choice([0, 4, 4]), "dry_run": chance.random() < 0.1, "confirm": True,
        },
    }


def tidy(findings):
    """Findings as both tell them, in one order."""
    told = []
    for one in findings:
        one = {key: one[key] for key in KEYS if one.get(key) is not None}
        one["tenants"] = sorted(set(one.get("tenants", [])))
        told.append(one)
    return sorted(told, key=lambda one: json.dumps(one, sort_keys=True))


if __name__ == "__main__":
    sys.exit(main())
