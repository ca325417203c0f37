#!/usr/bin/env python3
"""The coverage check as a team would write it: gate.py RESPONSE FLEET PLAN

Every tenant of the fleet must be proven on the target build. A row without `verified_on_target` counts as verified, a dry-run row
proves nothing. Prints the stragglers, one a line; exits with 1 where they are more than the plan tolerates.
"""
import json
import sys


def load(path):
    with open(path) as file:
        return json.load(file)


def main():
    response, fleet, plan = (load(path) for path in sys.argv[1:4])
    enumerated = {row["slug"] for row in fleet["results"]}
    proven = set()
    for row in response["results"] or []:
        if row.get("ssm_status") == "DryRun":
            continue
        if row.get("verified_on_target", True):
            proven.add(row.get("slug", "").strip())
    stragglers = sorted(enumerated - proven)
    for slug in stragglers:
        print(slug)
    tolerated = plan["body"].get("max_stragglers", 0)
    if len(stragglers) > tolerated:
        print(f"incomplete rollout: {len(stragglers)} tenant(s) not verified on target (max tolerated {tolerated})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
