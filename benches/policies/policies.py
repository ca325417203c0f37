#!/usr/bin/env python3
"""Measure what policies of one's own add to `rollproof verify`: the four examples, on the document of a large fleet with labels.

The fleet of gen_fleet.py gets labels (a tenth of it is gold, five regions), is collected into a document, and that is turned into the document of
a rollout that was driven in a hundred batches, since an archived response has no calls and no times. Then the document is judged in turns, with the bundled policies alone and with the examples beside
them, so that a slow moment of the machine meets both. What is added is the median of the rounds' differences.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "compare"))

import compare  # noqa: E402
import gen_fleet  # noqa: E402

EXAMPLES = ("freeze", "gold", "pace", "regions")
AIM = 0.20


def write(folder, tenants, rollproof):
    """The document, and the calendar that the example of freezes asks for."""
    gen_fleet.write(tenants, folder)
    with open(os.path.join(folder, "fleet.json"), "w") as file:
        labels = lambda i: {"tier": "gold" if i % 10 == 0 else "free", "region": f"region-{i % 5}"}
        file.write("[" + ",\n".join(json.dumps({"slug": f"tenant-{i:07d}", "labels": labels(i)}) for i in range(tenants)) + "]")
    command = [rollproof, "verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json", "--document", "document.json"]
    ran = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL)
    if ran.returncode != 1:
        sys.exit(f"rollproof verify: exit code {ran.returncode}, expected 1")
    path = os.path.join(folder, "document.json")
    with open(path) as file:
        document = json.load(file)
    drive(document)
    with open(path, "w") as file:
        json.dump(document, file, separators=(",", ":"))
    with open(os.path.join(folder, "calendar.json"), "w") as file:
        json.dump([{"from": "2026-12-20T00:00:00Z", "to": "2027-01-04T00:00:00Z", "why": "year's end"}], file)
    return len(document["cohorts"])


def drive(document):
    """Makes an archived rollout's document that of a driven one, whose parts agree: calls name the fleet, and who has no row waits for a call."""
    begun = "2026-01-05T09:00:00Z"
    fleet = [tenant for cohort in document["cohorts"] if cohort["planned"] for tenant in cohort["tenants"]]
    size = max(1, -(-len(fleet) // 100))
    batches = [fleet[at:at + size] for at in range(0, len(fleet), size)]
    attempt = lambda i: {"status": 200, "duration_ms": 310_000 if i % 7 else 90_000, "last": True}
    calls = [{"purpose": "plan", "tenants": [], "ok": True, "attempts": [attempt(0)]}]
    calls += [{"purpose": "batch", "tenants": batch, "ok": True, "attempts": [attempt(i)]} for i, batch in enumerate(batches)]
    call_of = {tenant: i for i, call in enumerate(calls) for tenant in call["tenants"]}
    cohorts = []
    for cohort in document["cohorts"]:
        cohort.pop("origins", None)
        if cohort["rows"]:
            cohorts.append(cohort)
            continue
        waiting = {}
        for tenant in cohort["tenants"]:
            waiting.setdefault(call_of[tenant], []).append(tenant)
        cohorts += [{**cohort, "tenants": tenants, "call": call} for call, tenants in waiting.items()]
    document["rollout"].update(started_at=begun, finished_at="2026-01-05T10:00:00Z", outcome="completed", batch_size=size)
    document["rollout"].pop("canary", None)
    document["provenance"]["collected_at"] = begun
    document["provenance"]["inputs"] = [read for read in document["provenance"]["inputs"] if read["role"] != "response"]
    document["fleet"]["source"] = "plan_call"
    document.update(cohorts=cohorts, calls=calls)
    for key in ("archive", "order", "gates"):
        document.pop(key, None)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenants", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--rollproof", default=os.path.join(ROOT, "target", "dist", "rollproof"), metavar="PATH")
    return parser.parse_args()


def main():
    options = parse()
    rollproof = os.path.abspath(options.rollproof)
    own = [part for name in EXAMPLES for part in ("--policy", os.path.join(ROOT, "policies", "examples", name))]
    bare = [rollproof, "verify", "document.json", "--format", "json"]
    with tempfile.TemporaryDirectory(prefix="rollproof-policies-") as folder:
        cohorts = write(folder, options.tenants, rollproof)
        said = os.path.join(folder, "report.json")
        rounds = []
        for _ in range(options.rounds):
            alone, _ = compare.run(bare, folder, said, 1)
            both, _ = compare.run([*bare, *own, "--facts", "freeze=calendar.json"], folder, said, 1)
            rounds.append((alone, both))
        with open(said) as file:
            spoke = {finding["policy"] for finding in json.load(file)["findings"]}
    if not {"examples.gold", "examples.pace"} <= spoke:
        sys.exit(f"the examples were to speak, and only these did: {', '.join(sorted(spoke))}")
    alone = statistics.median(alone for alone, _ in rounds)
    added = statistics.median(both - alone for alone, both in rounds)
    print("| tenants | cohorts | bundled policies | four more add | share |\n|--:|--:|--:|--:|--:|")
    print(f"| {options.tenants:,} | {cohorts:,} | {alone * 1000:,.0f} ms | {added * 1000:,.0f} ms | {added / alone:.3f} |")
    print(f"\nTo reach at a million tenants: at most {AIM:.2f}: {'reached' if added <= AIM * alone else 'MISSED'}")


if __name__ == "__main__":
    main()
