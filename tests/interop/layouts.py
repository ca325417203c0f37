#!/usr/bin/env python3
"""Whatever the layout of archives is, an audit says what an independent reader makes of the same rollouts.

    layouts.py [--rollproof PATH] [--runs N] [--seed N]

Random histories of rollouts are laid out in many ways: nested dates, flat names, a ZIP file for each run, a tar archive for each month, two
environments beside each other, missing fleets, offsets, seconds since 1970, no dates at all, packed files, and a file of times. Each is
audited, also with --since, over two folders and with files written in another order. Who was behind since when, and which rollouts are false
greens, must be what the oracle here says, which shares no code with rollproof. Exits with 1, and the differences, where they are not.
"""

import argparse
import datetime
import gzip
import io
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TENANTS = ["acme", "bolt", "cove", "dune", "ember", "fern"]
UNTIL = datetime.datetime(2026, 9, 1, tzinfo=datetime.timezone.utc)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--runs", type=int, default=8, help="how many histories, each in every layout")
    options.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the random histories")
    options = options.parse_args()
    options.rollproof = os.path.abspath(options.rollproof)
    print(f"seed {options.seed}")
    audits = wrong = spans = greens = 0
    for run in range(options.runs):
        for name, layout in LAYOUTS.items():
            chance = random.Random(f"{options.seed} {run} {name}")
            with tempfile.TemporaryDirectory() as scratch:
                for said, expected, how in layout(Trial(options, pathlib.Path(scratch), chance)):
                    audits, spans, greens = audits + 1, spans + len(expected[0]), greens + len(expected[1])
                    if said != expected:
                        wrong += 1
                        print(f"run {run}, {name}, {how}:\n  audit  {tell(said)}\n  oracle {tell(expected)}", file=sys.stderr)
    print(f"{audits} audits of {len(LAYOUTS)} layouts, {wrong} differ; {spans} times behind, {greens} false greens")
    return 1 if wrong or not spans or not greens else 0


def tell(said):
    return [sorted(map(str, part)) for part in said]


# Rollouts.


class Rollout:
    """A rollout: when, who answered what, who was enumerated, and what it was called."""

    def __init__(self, number, at, chance):
        self.at, self.target = at, f"staging-{number:07x}"
        # `+` proven, `x` off the target, `-` enumerated without a row, ` ` in no fleet.
        self.tenants = {tenant: chance.choices("+x- ", [6, 2, 2, 1])[0] for tenant in TENANTS}
        self.tenants["acme"] = chance.choice("+++x")
        self.enumerated = True
        self.green = chance.random() < 0.7

    def there(self, tenant):
        return self.tenants[tenant] != " " if self.enumerated else self.tenants[tenant] in "+x"

    def files(self):
        rows = [{"slug": tenant, "ssm_status": "Success", "verified_on_target": says == "+"} for tenant, says in self.tenants.items() if says in "+x"]
        response = {"ok": True, "results": rows} if self.green else {"ok": False, "error": "not all", "results": rows}
        sha = self.target.split("-")[1] + "0" * 33
        body = {"target_tag": self.target, "canary_slug": None, "soak_seconds": 1, "batch_size": 3, "max_stragglers": 0, "dry_run": False, "confirm": True}
        plan = {"enabled": True, "sha": sha, "short_sha": sha[:7], "target_tag": self.target, "cp_url": "https://cp.example", "rollout_http_timeout": 600, "body": body}
        files = {"response": response, "plan": plan}
        if self.enumerated:
            files["fleet"] = [tenant for tenant, says in self.tenants.items() if says != " "]
        return {kind: json.dumps(value).encode() for kind, value in files.items()}


def history(chance, first=1):
    at = datetime.datetime(2026, 5, 1, tzinfo=datetime.timezone.utc)
    rollouts = []
    for number in range(chance.randrange(4, 12)):
        at += datetime.timedelta(minutes=chance.randrange(30, 9000))
        rollouts.append(Rollout(first + number, at, chance))
    return rollouts


def oracle(rollouts, since=None):
    """Who was behind from when to when and how long in seconds, and the false greens with whom they have no row for."""
    spans, missing = [], {rollout.target: set() for rollout in rollouts}
    for tenant in TENANTS:
        known, begun, without_row, last_row = False, None, [], -1
        for number, rollout in enumerate(rollouts):
            anybody = any(rollout.there(other) and says == "+" for other, says in rollout.tenants.items())
            if rollout.there(tenant):
                known, last_row = True, number
                if rollout.tenants[tenant] == "+":
                    if begun:
                        spans.append((tenant, begun, rollout.at))
                    begun = None
                elif anybody:
                    begun = begun or rollout.at
            elif known and rollout.enumerated:
                # It has left. Whoever leaves behind stays so.
                known = False
            elif known:
                without_row.append(number)
                if anybody:
                    begun = begun or rollout.at
        if begun:
            spans.append((tenant, begun, None))
        for number in without_row:
            if number < last_row:
                missing[rollouts[number].target].add(tenant)
    shown = [span for span in spans if not (since and span[2] and span[2] < since)]
    told = {(tenant, begun, end, (((end or UNTIL) - begun).total_seconds())) for tenant, begun, end in shown}
    greens = set()
    for rollout in rollouts:
        lie = any(rollout.there(tenant) and says != "+" for tenant, says in rollout.tenants.items())
        if rollout.green and (lie or missing[rollout.target]) and not (since and rollout.at < since):
            greens.add((rollout.target, tuple(sorted(missing[rollout.target]))))
    return told, greens


# What the audit says.


class Trial:
    def __init__(self, options, scratch, chance):
        self.options, self.scratch, self.chance = options, scratch, chance

    def write(self, folder, files):
        """Writes files in some order."""
        files = list(files.items())
        self.chance.shuffle(files)
        for name, content in files:
            path = self.scratch / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def audit(self, folders, *args, group=None):
        command = [self.options.rollproof, "audit", *folders, "--until", UNTIL.isoformat(), "--param", "fleet_from_response=true", "--format", "json", *args]
        ran = subprocess.run(command, cwd=self.scratch, capture_output=True, text=True)
        if ran.returncode not in (0, 1) or ran.stderr:
            raise SystemExit(f"{' '.join(command)}: exit code {ran.returncode}: {ran.stderr or ran.stdout}")
        report = json.loads(ran.stdout)
        time = lambda text: datetime.datetime.fromisoformat(text) if text else None
        spans = {(one["tenant"], time(one["since"]), time(one.get("until")), one["seconds"]) for one in report["lag"] if one.get("group") == group}
        greens = {
            (one["target"], tuple(sorted(one.get("missing", []))))
            for one in report["audit"]["rollouts"]
            if one["called"] == "green" and (one["decision"] == "fail" or one.get("missing")) and one.get("group") == group
        }
        return spans, greens

    def check(self, rollouts, files, *args):
        """Audits a layout as a whole, from some day on, and over two folders, where each run's files stay together."""
        self.write("all", {name: content for run in files for name, content in run.items()})
        yield self.audit(["all"], *args), oracle(rollouts), "all"
        since = self.chance.choice(rollouts).at + datetime.timedelta(seconds=self.chance.choice([0, 1]))
        yield self.audit(["all"], "--since", since.isoformat(), *args), oracle(rollouts, since), f"since {since}"
        for run in files:
            self.write(self.chance.choice(["one", "other"]), run)
        for folder in "one", "other":
            (self.scratch / folder).mkdir(exist_ok=True)
        yield self.audit(["one", "other"], *args), oracle(rollouts), "over two folders"


# Layouts.


def flat(rollout, name, end=""):
    return {f"{name}.{kind}.json{end}": content for kind, content in rollout.files().items()}


def folder(rollout, name):
    return {f"{name}/{kind}.json": content for kind, content in rollout.files().items()}


def nested(trial):
    rollouts = history(trial.chance)
    yield from trial.check(rollouts, [folder(one, one.at.strftime("prod/%Y/%m/%d/%H-%M")) for one in rollouts])


def flat_names(trial):
    rollouts = history(trial.chance)
    yield from trial.check(rollouts, [flat(one, one.at.strftime("%Y-%m-%dT%H-%M-%SZ")) for one in rollouts])


def words(trial):
    rollouts = history(trial.chance)
    name = lambda one: one.at.strftime(trial.chance.choice(["%Y_%m_%d_%H_%M", "deploy-%Y%m%d-%H%M", "%Y-%m-%d %H.%M"]))
    yield from trial.check(rollouts, [flat(one, name(one)) for one in rollouts])


def offsets(trial):
    rollouts = history(trial.chance)
    zone = lambda: datetime.timezone(datetime.timedelta(minutes=trial.chance.choice([-570, -240, 120, 345])))
    yield from trial.check(rollouts, [flat(one, one.at.astimezone(zone()).strftime("%Y-%m/%dT%H:%M:%S%z")) for one in rollouts])


def epoch(trial):
    rollouts = history(trial.chance)
    yield from trial.check(rollouts, [folder(one, f"run-{int(one.at.timestamp())}") for one in rollouts])


def zips(trial):
    rollouts = history(trial.chance)
    yield from trial.check(rollouts, [{one.at.strftime("run-%Y-%m-%dT%H-%M.zip"): zipped(folder(one, "out"), trial.chance)} for one in rollouts])


def tars(trial):
    """A tar archive for each month, in which the dates are."""
    rollouts, months = history(trial.chance), {}
    for one in rollouts:
        months.setdefault(one.at.strftime("%Y-%m"), {}).update(folder(one, one.at.strftime("%Y-%m-%dT%H-%M")))
    end = trial.chance.choice(["tar", "tar.gz", "tar.zst"])
    packed = {"tar": bytes, "tar.gz": gzip.compress, "tar.zst": zstd}[end]
    yield from trial.check(rollouts, [{f"month-{month}.{end}": packed(tarred(files))} for month, files in months.items()])


def packed(trial):
    rollouts, files = history(trial.chance), []
    for one in rollouts:
        end, pack = trial.chance.choice([(".gz", gzip.compress), (".zst", zstd), ("", bytes)])
        files.append({name: pack(content) for name, content in flat(one, one.at.strftime("%Y-%m-%dT%H-%M"), end).items()})
    yield from trial.check(rollouts, files)


def missing_fleets(trial):
    rollouts = history(trial.chance)
    for one in rollouts:
        one.enumerated = trial.chance.random() < 0.4
    yield from trial.check(rollouts, [folder(one, one.at.strftime("%Y-%m-%dT%H-%M")) for one in rollouts])


def manifest(trial):
    rollouts = history(trial.chance)
    lines = [f"run-{number},{one.at.isoformat()},{'green' if one.green else 'red'}\n" for number, one in enumerate(rollouts)]
    trial.chance.shuffle(lines)
    (trial.scratch / "times.csv").write_text("path,time,called\n" + "".join(lines))
    yield from trial.check(rollouts, [folder(one, f"run-{number}") for number, one in enumerate(rollouts)], "--times", "times.csv")


def undated(trial):
    """No dates, so nobody is behind; a lie needs no date."""
    rollouts = history(trial.chance)
    for number, one in enumerate(rollouts):
        trial.write("all", folder(one, f"run-{number}"))
    yield trial.audit(["all"]), (set(), oracle(rollouts)[1]), "all"


def two_environments(trial):
    prod, staging = history(trial.chance), history(trial.chance, 0x100)
    for environment, rollouts in ("prod", prod), ("staging", staging):
        for one in rollouts:
            one.enumerated = trial.chance.random() < 0.5
            trial.write("all", folder(one, one.at.strftime(f"{environment}/%Y/%m/%d/%H-%M")))
    for environment, rollouts in ("prod", prod), ("staging", staging):
        yield trial.audit(["all"], "--group-by", "folder", group=environment), oracle(rollouts), environment
        by_pattern = trial.audit(["all"], "--group-by", "(prod|staging)/", group=environment)
        yield by_pattern, oracle(rollouts), f"{environment} by a pattern"


LAYOUTS = {
    "nested dates": nested,
    "flat names": flat_names,
    "other names": words,
    "offsets": offsets,
    "seconds since 1970": epoch,
    "a ZIP file for each run": zips,
    "a tar archive for each month": tars,
    "packed": packed,
    "missing fleets": missing_fleets,
    "a file of times": manifest,
    "undated": undated,
    "two environments": two_environments,
}


# Containers.


def zipped(files, chance):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", chance.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def tarred(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zstd(content):
    """Zstandard without compression: frames of raw blocks, which every reader takes."""
    frames = b""
    for start in range(0, max(len(content), 1), 1 << 17):
        block = content[start : start + (1 << 17)]
        # A single segment, its size in four bytes, no checksum; then one block, the last.
        frames += struct.pack("<IBI", 0xFD2FB528, 0b10100000, len(block)) + (len(block) << 3 | 1).to_bytes(3, "little") + block
    return frames


if __name__ == "__main__":
    sys.exit(main())
