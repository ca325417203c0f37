#!/usr/bin/env python3
"""The bundled mappings give the same rows under jq and gojq, and rollproof gives them too.

    mappings.py [--jq PATH] [--gojq PATH] [--rollproof PATH | --no-rollproof] [--update]

For each sample of each folder of mappings/, the filters of mapping.toml are run by both programs, and `rollproof mapping try` runs the mapping.
All must give what stands in the sample's `.expected.json`; --update writes that file from what jq gives. Then, by jq, each single key of the
input is deleted: no item that was not proven may become proven, and none may be skipped that was not. Exits with 1, and the differences,
where something differs. The same holds of rollproof's verdict, for keys that are drawn.
"""

import argparse
import copy
import csv
import functools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIELDS = {"status": "ssm_status", "exit_code": "ssm_exit_code"}
BUNDLED = {"ansible", "argocd", "aws-ecs", "aws-ssm", "csv", "kubernetes", "nomad"}

# How many keys are deleted before a verdict, for each sample.
DELETED_BEFORE_VERDICTS = 12

# Every filter gives exactly one value, so each is collected into a list.
ITEMS = """
. as $input
| ({index}) as $index
| path({items}) as $path
| getpath($path)
| {{path: $path, skip: [{skip}], fields: (if [{skip}] == [true] then {{}} else {{{fields}}} end)}}
"""

# Each object key of the input is deleted alone; what is left is mapped. An error is no verdict, which no mapping turns into a pass.
DELETED = """
def mapped:
  . as $input
  | ({index}) as $index
  | path({items}) as $path
  | getpath($path)
  | [$path, (if [{skip}] == [true] then "skip" else [{verified}][] end)]
  | select(.[1] != false and .[1] != null);
. as $whole
| [mapped] as $before
| paths as $deleted
| select($deleted[-1] | type == "string")
| ($whole | delpaths([$deleted]) | try [mapped] catch []) as $after
| {{deleted: $deleted, wrong: ($after - $before)}}
"""


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--jq", default="jq")
    options.add_argument("--gojq", default=str(ROOT / "target/interop/gojq"))
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--no-rollproof", dest="rollproof", action="store_const", const=None, help="compare jq and gojq only")
    options.add_argument("--update", action="store_true", help="write the expected rows")
    options = options.parse_args()

    folders = sorted(path.parent for path in ROOT.glob("mappings/*/mapping.toml"))
    if not BUNDLED <= {folder.name for folder in folders}:
        raise SystemExit("mappings/ lacks one of " + ", ".join(sorted(BUNDLED)))
    samples = wrong = deletions = 0
    for folder in folders:
        mapping = tomllib.loads((folder / "mapping.toml").read_text())
        for sample in samples_of(folder):
            samples += 1
            differences, deleted = compare(options, folder, mapping, sample)
            deletions += deleted
            for difference in differences:
                print(f"{sample.relative_to(ROOT)}: {difference}", file=sys.stderr)
            wrong += bool(differences)
    print(f"{samples} samples, {deletions} keys deleted, {wrong} differ")
    return 1 if wrong or samples < 2 * len(BUNDLED) or deletions < 2000 else 0


def samples_of(folder):
    found = sorted(path for path in (folder / "samples").iterdir() if not path.name.endswith((".plan.json", ".expected.json")))
    if len(found) < 2:
        raise SystemExit(f"{folder.relative_to(ROOT)} has fewer than two samples")
    return found


def compare(options, folder, mapping, sample):
    """What differs, and how many keys were deleted."""
    case = sample.name.removesuffix(sample.suffix)
    plan = sample.with_name(f"{case}.plan.json")
    target = target_of(plan) if plan.exists() else None
    value = read(mapping["input"], sample)
    expectation = sample.with_name(f"{case}.expected.json")
    fleet = case.startswith("fleet") if options.update else "fleet" in json.loads(expectation.read_text())
    by = functools.partial(mapped, mapping=mapping, value=value, target=target, fleet=fleet)
    if options.update:
        expectation.write_text(json.dumps(by(options.jq), indent=1) + "\n")
    expected = json.loads(expectation.read_text())
    got = {"jq": by(options.jq), "gojq": by(options.gojq)}
    if options.rollproof:
        got["rollproof"] = tried(options.rollproof, folder, sample, plan, fleet)
    differences = [
        f"{program} gives\n{json.dumps(rows, indent=1)}\nand not\n{json.dumps(expected, indent=1)}" for program, rows in got.items() if rows != expected
    ]
    if fleet:
        return differences, 0
    answers = delete(options.jq, mapping, value, target)
    differences += [f"without {pointer(one['deleted'])}: {one['wrong']}" for one in answers if one["wrong"]]
    if options.rollproof and mapping["input"] == "json":
        differences += judged(options.rollproof, folder, value, plan, expected["rows"])
    return differences, len(answers)


def read(kind, path):
    """The whole input, as the filters see it."""
    text = path.read_text()
    if kind == "csv":
        return list(csv.DictReader(text.splitlines()))
    if kind == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


def target_of(plan):
    """`$target`, of a plan."""
    plan = json.loads(plan.read_text())
    extra = {"image": plan["image"]} if "image" in plan else {}
    return {"tag": plan["body"]["target_tag"], "sha": plan["sha"], "image": plan.get("image"), "extra": extra}


def run(program, text, value, target):
    given = ["--argjson", "target", json.dumps(target)]
    done = subprocess.run([program, "-c", *given, text], input=json.dumps(value), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{program}: {done.stderr}\n{text}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def mapped(program, mapping, value, target, fleet):
    """The rows, or the fleet, as `rollproof mapping try` writes them."""
    part, extra = (mapping["fleet"], {}) if fleet else (mapping["row"], mapping)
    known = {"items", "skip", "skip_reason"}
    fields = ", ".join(f"{json.dumps(name)}: [{text}]" for name, text in part.items() if name not in known)
    source = part if fleet else extra
    rows, skips = [], []
    for item in run(program, ITEMS.format(index=mapping.get("index", "null"), items=source["items"], skip=source.get("skip", "false"), fields=fields), value, target):
        at = pointer(item["path"])
        (skip,) = item["skip"]
        if skip is True:
            skips.append({"pointer": at, "reason": source["skip_reason"]})
            continue
        row = {}
        for name, values in item["fields"].items():
            if len(values) != 1:
                raise SystemExit(f"{program}: {at}: {name} gives {len(values)} values")
            if values[0] is not None:
                row[FIELDS.get(name, name)] = values[0]
        if not fleet and type(row["verified_on_target"]) is not bool:
            raise SystemExit(f"{program}: {at}: verified_on_target is {row['verified_on_target']}")
        if fleet:
            row["labels"] = {name: label for name, label in row.get("labels", {}).items() if label is not None}
        rows.append({"pointer": at, **row} if fleet else {"pointer": at, "row": row})
    return {"fleet" if fleet else "rows": rows, "skips": skips}


def delete(program, mapping, value, target):
    parts = {"index": mapping.get("index", "null"), "items": mapping["items"], "skip": mapping.get("skip", "false"), "verified": mapping["row"]["verified_on_target"]}
    return run(program, DELETED.format(**parts), value, target)


def tried(rollproof, folder, sample, plan, fleet):
    args = [os.path.abspath(rollproof), "mapping", "try", str(folder / "mapping.toml"), str(sample), "--format", "json", *(["--fleet"] if fleet else [])]
    if plan.exists():
        args += ["--plan", str(plan)]
    done = subprocess.run(args, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        return done.stdout + done.stderr
    answer = json.loads(done.stdout)
    return {name: answer.get(name) for name in ("fleet" if fleet else "rows", "skips")}


def judged(rollproof, folder, value, plan, rows):
    """Deletions after which a fleet of one tenant that was not proven is, by rollproof's verdict."""
    draw = random.Random(f"{folder.name} {len(rows)}")
    others = {row["pointer"]: row["row"]["slug"] for row in rows if not row["row"]["verified_on_target"]}
    proven = [row["row"]["slug"] for row in rows if row["row"]["verified_on_target"]]
    with tempfile.TemporaryDirectory() as scratch:
        evidence, fleet = pathlib.Path(scratch, "evidence.json"), pathlib.Path(scratch, "fleet.txt")
        verify = [os.path.abspath(rollproof), "verify", str(evidence), "--map", str(folder / "mapping.toml"), "--fleet", str(fleet), "--plan", str(plan)]

        def passes(value, tenant):
            evidence.write_text(json.dumps(value))
            fleet.write_text(f"{tenant}\n")
            done = subprocess.run(verify, capture_output=True, text=True, cwd=ROOT)
            if done.returncode not in (0, 1, 3, 4):
                yield f"exit code {done.returncode}: {done.stdout}{done.stderr}"
            if done.returncode == 0:
                yield done.stdout

        for tenant in proven:
            if not list(passes(value, tenant)):
                yield f"{tenant} is proven, and its rollout does not pass"
        keys = list(object_keys(value)) if others else []
        for path in draw.sample(keys, min(DELETED_BEFORE_VERDICTS, len(keys))):
            at = pointer(path)
            tenant = next((slug for item, slug in others.items() if at.startswith(item + "/")), draw.choice(list(others.values())))
            deleted = copy.deepcopy(value)
            holder = functools.reduce(lambda inner, key: inner[key], path[:-1], deleted)
            del holder[path[-1]]
            yield from (f"{tenant} without {at}: {wrong}" for wrong in passes(deleted, tenant))


def object_keys(value, path=()):
    """The paths of all keys of objects."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict):
            yield (*path, key)
        yield from object_keys(inner, (*path, key))


def pointer(path):
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)


if __name__ == "__main__":
    sys.exit(main())
