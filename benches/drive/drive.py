#!/usr/bin/env python3
"""Measure what `rollproof run` costs beside the calls that it waits for.

A fleet is rolled out against the drill's own control plane (`rollproof drill serve`), policies after every call included. Reported per call:

- time: the whole process, start and verdict included, less what the journal says that its exchanges took. The files lie in memory where the
  machine has such a folder, so that syncing them costs nothing; elsewhere the disk's syncs are in it, and it says so.
- from an answer to the next request, by the journal's times: without the start, the plan call and the verdict.
- processor time of the process, which other work on the machine disturbs least.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MEMORY = "/dev/shm"
MILLISECONDS_A_CALL, MEBIBYTES = 2.0, 64


def write_inputs(folder, tenants, batch):
    """The scenario; the plan needs the URL and is written once that is known."""
    fleet = [f"tenant-{i:06}" for i in range(tenants)]
    with open(os.path.join(folder, "scenario.toml"), "w") as file:
        file.write(f'about = "a large fleet that is well"\nfleet = {json.dumps(fleet)}\n[plan]\ncanary = "{fleet[0]}"\n')
    body = {"target_tag": "staging-abcdef1", "canary_slug": fleet[0], "soak_seconds": 0, "batch_size": batch, "max_stragglers": 0,
            "dry_run": False, "confirm": True}
    return {"enabled": True, "sha": "abcdef1", "target_tag": "staging-abcdef1", "rollout_http_timeout": 600, "body": body}


def seconds(stamp):
    """Seconds since midnight of an RFC 3339 time in UTC, with all of its digits."""
    hours, minutes, rest = re.fullmatch(r".*T(\d+):(\d+):([\d.]+)Z", stamp).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def exchanges(path):
    """How many calls a journal tells of, how long they were in flight, and how long it took from one answer to the next request. Each record has
    the time at which it is still to be written."""
    calls, waited, between, asked, answered = 0, 0.0, 0.0, None, None
    with open(path) as file:
        for line in file:
            record = json.loads(line)
            if record["record"] == "request":
                asked = seconds(record["at"])
                # What follows the plan call reads the whole fleet.
                between += (asked - answered) % 86400 if calls > 1 else 0
            elif record["record"] == "answer":
                answered = seconds(record["at"])
                calls, waited = calls + 1, waited + (answered - asked) % 86400
    return calls, waited, between / max(calls - 2, 1)


def measure(rollproof, folder, token):
    """(calls, own milliseconds a call, those between two calls, processor milliseconds a call, peak bytes) of one rollout."""
    command = [rollproof, "run", "--plan", "plan.json", "--response", "response.json", "--document", "document.json", "--quiet"]
    environment = {**os.environ, "CP_ADMIN_API_TOKEN": token}
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    whole = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"rollproof run: exit code {child.returncode}")
    journal = os.path.join(folder, "document.json.journal")
    calls, waited, between = exchanges(journal)
    os.remove(journal)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return calls, (whole - waited) * 1000 / calls, between * 1000, (usage.ru_utime + usage.ru_stime) * 1000 / calls, peak


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenants", type=int, default=10_000, metavar="N")
    parser.add_argument("--batch", type=int, default=100, metavar="N", help="tenants a call")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--rollproof", default=os.path.join(ROOT, "target", "dist", "rollproof"), metavar="PATH")
    return parser.parse_args()


def main():
    options = parse()
    rollproof = os.path.abspath(options.rollproof)
    in_memory = os.access(MEMORY, os.W_OK)
    with tempfile.TemporaryDirectory(prefix="rollproof-drive-", dir=MEMORY if in_memory else None) as folder:
        plan = write_inputs(folder, options.tenants, options.batch)
        server = subprocess.Popen([rollproof, "drill", "serve", "scenario.toml"], cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            plan["cp_url"], token = server.stdout.readline().strip(), server.stdout.readline().strip()
            with open(os.path.join(folder, "plan.json"), "w") as file:
                json.dump(plan, file)
            rounds = [measure(rollproof, folder, token) for _ in range(options.rounds)]
        finally:
            server.kill()
            server.wait()
    calls = rounds[0][0]
    own, between, processor = (min(r[i] for r in rounds) for i in (1, 2, 3))
    peak = max(r[4] for r in rounds) / (1 << 20)
    print("| tenants | calls | own time a call | between two calls | processor time a call | peak memory |\n|--:|--:|--:|--:|--:|--:|")
    print(f"| {options.tenants:,} | {calls:,} | {own:.2f} ms | {between:.2f} ms | {processor:.2f} ms | {peak:.0f} MiB |")
    print(f"\nThe best of {len(rounds)} rounds; memory of the worst.{'' if in_memory else ' The disk is in the own time.'}")
    reached = own <= MILLISECONDS_A_CALL and peak < MEBIBYTES
    print(f"To reach: at most {MILLISECONDS_A_CALL:.0f} ms a call, below {MEBIBYTES} MiB: {'reached' if reached else 'MISSED'}")


if __name__ == "__main__":
    main()
