#!/usr/bin/env python3
"""Make a folder of archived rollouts, months of them, as `rollproof audit` reads it.

    gen_archives.py FOLDER [--archives N] [--tenants M] [--days D] [--planes P] [--packed SHARE] [--seed S]

Each rollout is a plan, a fleet and a response: in a folder of its own or under names that have the same rest, all below a folder for its day.
Everything that an audit tells apart is in it: tenants that are skipped, fail, or run the old image for some rollouts; ones that are tolerated
and so quarantined; greens that were none; tenants that flap, vanish, come back or appear late; control planes from before the key; canaries
that fail alone; dry runs; rollouts without an archived plan or fleet; two rollouts of one second; files packed with gzip and, where the `zstd`
command is there, Zstandard. The same options give the same files, but for what is packed.
"""
import argparse
import datetime
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import zipfile
from concurrent.futures import ProcessPoolExecutor

FIRST_DAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
OFF_TARGET, ERRORED, SKIPPED = "off_target", "errored", "skipped"


class Tenant:
    """What becomes of one tenant: a chain of being well and not, and the rollouts between which it is in the fleet."""

    FATES = ("flaps", "broken for long", "appears", "vanishes", "comes back")

    def __init__(self, number, rng, rollouts):
        self.name = f"tenant-{number:06}"
        self.broken = None
        self.breaks, self.heals = 0.0004, 0.25
        self.there = [(0, rollouts)]
        # One of each is in every fleet that is large enough; the first is the canary.
        fate = self.FATES[number - 1] if 1 <= number <= len(self.FATES) else rng.choice(self.FATES) if rng.random() < 0.03 else None
        if fate == "flaps":
            self.breaks, self.heals = 0.3, 0.5
        elif fate == "broken for long":
            self.breaks, self.heals = 0.02, 0.01
        elif fate == "appears":
            self.there = [(rng.randrange(rollouts), rollouts)]
        elif fate == "vanishes":
            self.there = [(0, rng.randrange(rollouts))]
        elif fate == "comes back":
            gone, back = sorted((rng.randrange(rollouts), rng.randrange(rollouts)))
            self.there = [(0, gone), (back, rollouts)]
            self.breaks = 0.05

    def step(self, rng):
        if self.broken:
            if rng.random() < self.heals:
                self.broken = None
        elif rng.random() < self.breaks:
            self.broken = rng.choice((OFF_TARGET, ERRORED, SKIPPED, SKIPPED))

    def in_fleet(self, rollout):
        return any(first <= rollout < last for first, last in self.there)


def row(name, rest):
    return f'{{"slug": "{name}", {rest}}}'


def rollout(rng, fleet, tag, url):
    """(plan or None, fleet or None, rows or None, ok) of one rollout; rows are lines of JSON."""
    kind = rng.random()
    dry, alone, old, no_plan, no_fleet = kind < 0.03, 0.03 <= kind < 0.05, 0.05 <= kind < 0.10, 0.10 <= kind < 0.13, rng.random() < 0.08
    tolerance = rng.choice((0, 1, 2, 5))
    canary = fleet[0]
    phase = '"phase": "batch-1", '
    well = phase + '"ssm_status": "Success", "ssm_exit_code": 0, "healthz_ok": true'
    image = f', "running_image": "platform-tenant:{tag}"'
    good = well + ("" if old else ', "verified_on_target": true') + image
    bad = {
        OFF_TARGET: well + (', "running_image": "platform-tenant:staging-0000000"' if old
                            else ', "verified_on_target": false, "running_image": "platform-tenant:staging-0000000"'),
        ERRORED: phase + '"ssm_status": "Failed", "ssm_exit_code": 2, "healthz_ok": false, "error": "the image could not be pulled"',
    }
    if dry:
        rows = [row(tenant.name, '"ssm_status": "DryRun"') for tenant in fleet]
        ok = True
    elif alone:
        rows, ok = [row(canary.name, bad[ERRORED])], False
    else:
        broken = [tenant for tenant in fleet if tenant.broken]
        rows = [row(tenant.name, good if not tenant.broken else bad[tenant.broken]) for tenant in fleet if tenant.broken != SKIPPED]
        # The incident: whoever was skipped was not counted, and the deploy was green.
        counted = [tenant for tenant in broken if tenant.broken != SKIPPED]
        ok = len(counted) <= tolerance
    plan = {
        "enabled": True, "sha": tag[-7:] + "0" * 33, "short_sha": tag[-7:], "target_tag": tag, "cp_url": url, "rollout_http_timeout": 600,
        "body": {"target_tag": tag, "canary_slug": canary.name, "soak_seconds": 60, "batch_size": 50, "max_stragglers": tolerance,
                 "dry_run": dry, "confirm": True},
    }
    return None if no_plan else plan, None if no_fleet else [tenant.name for tenant in fleet], rows, ok


def write(path, text, packing):
    data = text.encode()
    if packing == "gz":
        with open(path + ".gz", "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, filename="", mtime=0) as packed:
            packed.write(data)
    elif packing == "zst":
        subprocess.run(["zstd", "--quiet", "-o", path + ".zst"], input=data, check=True)
    else:
        with open(path, "wb") as file:
            file.write(data)


def generate(folder, archives, tenants, days, planes, packed, seed):
    """Writes the archives; how many bytes lie there then."""
    rng = random.Random(seed)
    packings = ["gz"] + (["zst"] if shutil.which("zstd") else [])
    for number in range(planes):
        plane = f"cp-{number + 1}" if planes > 1 else ""
        url = f"https://cp-{number + 1}.example"
        many = archives // planes
        fleet = [Tenant(i, rng, many) for i in range(tenants)]
        moments = sorted(rng.sample(range(days * 86400), many))
        if many > 3:
            moments[many // 2] = moments[many // 2 - 1]
        for i, moment in enumerate(moments):
            for tenant in fleet:
                tenant.step(rng)
            here = [tenant for tenant in fleet if tenant.in_fleet(i)] or fleet[:1]
            tag = f"staging-{rng.randrange(16 ** 7):07x}"
            plan, names, rows, ok = rollout(rng, here, tag, url)
            at = FIRST_DAY + datetime.timedelta(seconds=moment)
            stem = at.strftime("%Y-%m-%dT%H-%M-%SZ")
            day = os.path.join(folder, plane, at.strftime("%Y-%m-%d"))
            twin = i == many // 2 and many > 3
            if rng.random() < 0.5:
                place = os.path.join(day, stem + ("-again" if twin else ""))
                path = lambda what: os.path.join(place, f"{what}.json")
            else:
                place = day
                path = lambda what: os.path.join(place, f"{stem}{'-again' if twin else ''}.{what}.json")
            os.makedirs(place, exist_ok=True)
            packing = rng.choice(packings) if rng.random() < packed else None
            response = f'{{"ok": {json.dumps(ok)}, "results": [\n' + ",\n".join(rows) + "\n]}\n"
            write(path("response"), response, packing)
            if plan:
                write(path("plan"), json.dumps(plan), packing)
            if names:
                write(path("fleet"), json.dumps(names), packing)
            if rng.random() < 0.03:
                write(path("report"), json.dumps({"decision": rng.choice(("pass", "fail"))}), None)
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, files in os.walk(folder) for name in files)


def pack(source, target, names):
    """Writes a ZIP of files below a folder, as CI keeps what a job leaves."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, member in names:
            packed.write(os.path.join(source, name), member)


def zipped(source, target):
    """Writes a ZIP for each rollout of a folder; how many bytes they have."""
    rollouts = {}
    for place, _, files in os.walk(source):
        for file in files:
            name = os.path.relpath(os.path.join(place, file), source)
            rollout, member = re.fullmatch(r"(.*\d\d-\d\d-\d\dZ(?:-again)?)[./](.*)", name).groups()
            rollouts.setdefault(rollout, []).append((name, member))
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(pack, source, os.path.join(target, f"{rollout}.zip"), sorted(names)) for rollout, names in rollouts.items()]
        for job in jobs:
            job.result()
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, files in os.walk(target) for name in files)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder")
    options.add_argument("--archives", type=int, default=300)
    options.add_argument("--tenants", type=int, default=100)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--planes", type=int, default=1, help="how many control planes share the archives")
    options.add_argument("--packed", type=float, default=0.1, help="the share of rollouts whose files are packed")
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    size = generate(options.folder, options.archives, options.tenants, options.days, options.planes, options.packed, options.seed)
    print(f"{options.archives} archives, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
