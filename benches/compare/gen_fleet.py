#!/usr/bin/env python3
"""Write a fleet, the archived response of its rollout, and the plan: gen_fleet.py TENANTS FOLDER [--distinct-errors]
[--distinct-images] [--labels WHICH]

FOLDER/fleet.json     the plan call's answer (dry-run rows)
FOLDER/response.json  the archived response: most tenants verified, about 0.1 % skipped, 0.1 % off target, 0.1 % failed
FOLDER/plan.json      the rollout plan: no canary, no tolerance

--distinct-errors gives every row an error text of its own, so that no two tenants share a cohort. --distinct-images gives every row an
image of its own, every second one with another tag than the target's. --labels distinct writes FOLDER/labels.json
with a label of its own for every tenant, --labels tier one with four tiers. Who is a straggler stays the same.
"""
import argparse
import json
import os

TAG = "staging-abcdef1"


def enumerated(count):
    for i in range(count):
        yield {"slug": f"tenant-{i:07d}", "phase": "batch-1", "ssm_status": "DryRun"}


def answered(count, distinct_errors, distinct_images):
    for i in range(count):
        if i % 997 == 5:  # skipped
            continue
        row = {
            "slug": f"tenant-{i:07d}",
            "phase": f"batch-{1 + i // 100}",
            "ssm_status": "Success",
            "ssm_exit_code": 0,
            "healthz_ok": True,
            "verified_on_target": i % 1009 != 7,  # off target
            "running_image": f"registry.example/platform-tenant:{TAG}",
        }
        if i % 1013 == 11:  # failed
            row.update(ssm_status="Failed", ssm_exit_code=1, verified_on_target=False, error="command timed out")
        if distinct_errors:
            row["error"] = f"command {i:07d} timed out"
        if distinct_images:
            row["running_image"] = f"registry.example/tenant-{i:07d}:" + (TAG if i % 2 else f"v{i}")
        yield row


def write_answer(folder, name, rows):
    """A row at a time: a million rows need no memory, and the bytes are json.dump's."""
    with open(os.path.join(folder, name), "w") as file:
        file.write('{"ok": true, "results": [')
        for i, row in enumerate(rows):
            file.write((", " if i else "") + json.dumps(row))
        file.write("]}")


def labelled(count, labels):
    for i in range(count):
        value = {"account": f"{i:012d}"} if labels == "distinct" else {"tier": ("gold", "silver", "bronze", "free")[i % 4]}
        yield {"slug": f"tenant-{i:07d}", "labels": value}


def write(count, folder, distinct_errors=False, labels=None, distinct_images=False):
    os.makedirs(folder, exist_ok=True)
    if labels:
        with open(os.path.join(folder, "labels.json"), "w") as file:
            file.write("[" + ",\n".join(json.dumps(tenant) for tenant in labelled(count, labels)) + "]")
    write_answer(folder, "fleet.json", enumerated(count))
    write_answer(folder, "response.json", answered(count, distinct_errors, distinct_images))
    body = {"target_tag": TAG, "soak_seconds": 0, "batch_size": 100, "max_stragglers": 0, "dry_run": False, "confirm": True}
    plan = {"enabled": True, "sha": "abcdef1" + "0" * 33, "short_sha": "abcdef1", "target_tag": TAG,
            "cp_url": "https://cp.example", "rollout_http_timeout": 600, "body": body}
    with open(os.path.join(folder, "plan.json"), "w") as file:
        json.dump(plan, file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tenants", type=int)
    parser.add_argument("folder")
    parser.add_argument("--distinct-errors", action="store_true", help="give every row a different error text")
    parser.add_argument("--distinct-images", action="store_true", help="give every row a different image")
    parser.add_argument("--labels", choices=("distinct", "tier"), help="write labels.json")
    arguments = parser.parse_args()
    write(arguments.tenants, arguments.folder, arguments.distinct_errors, arguments.labels, arguments.distinct_images)
