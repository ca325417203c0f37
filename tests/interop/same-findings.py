#!/usr/bin/env python3
"""The bundled policies and the examples give the same findings under the real OPA as under the engine that rollproof embeds.

    same-findings.py [--rollproof PATH] [--opa PATH]

Every fixture with a verdict is judged by the binary, which also writes the document that it judged. OPA evaluates the
policies on that document, with the parameters of the report. The findings must be equal, and so must what the report
counts. The binary embeds the policies when it is built, so build it first. Exits with 1, and the differences, where
they are not.
"""

import argparse
import concurrent.futures
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
POLICIES = ROOT / "policies"
SEVERITIES = ["deny", "inconclusive", "warn", "note"]
SUMMARY = ["cohorts", "tolerated", "quarantined", "waived", "superseded_by"]
AT_LEAST = 100
REFUSED = 4


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--opa", default="opa", help="the real OPA")
    options = options.parse_args()
    rollproof = os.path.abspath(options.rollproof)

    cases = [case for pattern in ["*/*/case.json", "examples/*/*/verify.json"] for case in sorted((ROOT / "fixtures").glob(pattern))]
    folders = [case.parent for case in cases if read(case)["exit"] != REFUSED]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        compared = list(pool.map(lambda folder: compare(rollproof, options.opa, folder), folders))

    for folder, differences in zip(folders, compared):
        for difference in differences:
            print(f"{folder.relative_to(ROOT)}: {difference}", file=sys.stderr)
    wrong = sum(bool(differences) for differences in compared)
    print(f"{len(compared)} fixtures compared, {wrong} differ")
    if len(compared) <= AT_LEAST:
        print(f"more than {AT_LEAST} fixtures were expected", file=sys.stderr)
    return 0 if wrong == 0 and len(compared) > AT_LEAST else 1


def compare(rollproof, opa, folder):
    """What is different in one fixture, in words."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            report, document = judge(rollproof, folder, pathlib.Path(scratch))
            said = ask(opa, report, document, folder, pathlib.Path(scratch), rollproof)
        except (subprocess.CalledProcessError, ValueError, KeyError, OSError) as error:
            return [f"{error}\n{getattr(error, 'stderr', None) or ''}"]
    reported = [finding_of_report({**one, "severity": "deny"} if "softened" in one else one) for one in report["findings"]]
    return differences("OPA", whole(findings(said)), "rollproof", whole(reported)) + \
        differences("OPA", counts(said, document), "rollproof", counts_of_report(report))


def judge(rollproof, folder, scratch):
    """The report of a fixture, and the document that engines get: without `origins` and `phases`."""
    args = ["verify", evidence(folder)]
    for name in ["fleet.json", "fleet.txt"]:
        if (folder / name).is_file():
            args += ["--fleet", name]
    if (folder / "plan.json").is_file():
        args += ["--plan", "plan.json"]
    args += case(folder)["args"]
    args += ["--format", "json", "--document", str(scratch / "document.json")]
    ran = subprocess.run([rollproof, *args], cwd=folder, capture_output=True, text=True, encoding="utf-8")
    if not ran.stdout:
        raise ValueError(f"no report: {ran.stderr}")
    document = read(scratch / "document.json")
    document.pop("phases", None)
    document.pop("order", None)
    for cohort in document["cohorts"]:
        cohort.pop("origins", None)
    return json.loads(ran.stdout), document


def case(folder):
    """What is expected of a fixture, and the arguments. Beside an example stands what its policy says alone, in case.json."""
    return read(folder / ("verify.json" if (folder / "verify.json").is_file() else "case.json"))


def evidence(folder):
    """The name of a fixture's evidence."""
    return next(name for name in ["run.journal", "document.json", "response.json"] if (folder / name).is_file())


def facts(folder):
    """What the policies know besides the document."""
    args = case(folder)["args"]
    given = [args[i + 1].split("=", 1) for i, arg in enumerate(args) if arg == "--facts"]
    return {name: read(folder / path) for name, path in given}


def previous(rollproof, folder):
    """What the policies know of the previous rollout, by path; nothing where the fixture names none. rollproof reads it, in each of its forms."""
    args = case(folder)["args"]
    if "--previous" not in args:
        return {}
    given = [part for i, arg in enumerate(args) if arg in ["--previous", "--retired"] for part in (arg, args[i + 1])]
    asked = {}
    for path in ["previous", "rollproof.given.retired"]:
        command = [rollproof, "policy", "eval", "rollproof.evidence", evidence(folder), *given, "--query", f"data.{path}"]
        ran = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, encoding="utf-8")
        [asked[path]] = json.loads(ran.stdout)
    return asked


def ask(opa, report, document, folder, scratch, rollproof):
    """What OPA says: by package and severity, and the summary."""
    params = {param["name"]: param["value"] for param in report["params"] if param["value"] is not None}
    given = {"waivers": waivers(folder), "codes": {"unwaivable": unwaivable(opa)}}
    before = previous(rollproof, folder)
    given |= {"retired": before["rollproof.given.retired"]} if before else {}
    (scratch / "input.json").write_text(json.dumps(document), encoding="utf-8")
    (scratch / "data.json").write_text(json.dumps({"rollproof": {"params": params, "given": given}, "facts": facts(folder), **({"previous": before["previous"]} if before else {})}), encoding="utf-8")
    # A rule that a package does not have is undefined, and leaves its list empty.
    asked = [f"{package['package']}.{severity}" for package in report["policies"] for severity in SEVERITIES]
    (scratch / "query.rego").write_text(USED % query([path for path in asked if not path.startswith("rollproof.waivers.")]))
    asked += [f"rollproof.lib.summary.{name}" for name in SUMMARY]
    command = [opa, "eval", "--format", "json", "--strict-builtin-errors", "--ignore", "*_test.rego"]
    command += ["--data", str(POLICIES), "--data", str(scratch / "data.json")]
    command += ["--data", str(scratch / "query.rego"), "--input", str(scratch / "input.json"), query(asked)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    return json.loads(ran.stdout)["result"][0]["expressions"][0]["value"]


def query(asked):
    return "{" + ", ".join(f'"{path}": [value | value := data.{path}]' for path in asked) + "}"


def waivers(folder):
    """The waivers of a fixture, days as text."""
    path = folder / "waivers.toml"
    given = tomllib.loads(path.read_text(encoding="utf-8"))["waiver"] if path.is_file() else []
    return [{**waiver, **{key: str(waiver[key]) for key in ["granted", "expires"]}} for waiver in given]


@functools.cache
def unwaivable(opa):
    """The codes whose rule, or whose rule's package, says that it is never waivable."""
    command = [opa, "inspect", "--annotations", "--format", "json", str(ROOT / "policies")]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    said = [(one["location"]["file"], one["annotations"]) for one in json.loads(ran.stdout)["annotations"]]
    never = lambda one: one.get("custom", {}).get("waivable") is False
    packages = {file for file, one in said if one["scope"] == "package" and never(one)}
    rules = [one for file, one in said if never(one) or file in packages]
    codes = sorted({code for one in rules for code in one.get("custom", {}).get("codes", [])})
    if "calls.failed" not in codes or "coverage.unproven_fleet" not in codes:
        raise ValueError(f"{codes} are not all codes that are never waivable")
    return codes


# What rollproof's own query module says of which waivers were used.
USED = """package rollproof.query

import data.rollproof.lib.waivers

said := %s

applied := {path: [covered | some one in values[0]; covered := waivers.applied_to(one)] | some path, values in said}

used := {i | some one in applied[_]; some i in one}
"""


def findings(said):
    """OPA's findings as the report would state them."""
    found = []
    for path, values in said.items():
        package, rule = path.rsplit(".", 1)
        if rule in SEVERITIES:
            found += [{**finding, "severity": rule, "policy": package} for value in values for finding in value]
    return [finding_of_report(finding) for finding in found]


def finding_of_report(finding):
    keys = ["policy", "code", "severity", "message", "observed", "expected", "at"]
    return {"tenants": sorted(set(finding.get("tenants", []))), **{key: finding.get(key) for key in keys}}


def reason(says, cohort):
    """Why a cohort is not proven: the image of its deciding row stands between the texts."""
    row = cohort["rows"][says["row"]] if says["row"] is not None else {}
    return (row.get("running_image") or "").join(says["reason"])


def counts(said, document):
    """What follows from OPA's summary."""
    summary = {name: said[f"rollproof.lib.summary.{name}"][0] for name in SUMMARY}
    if len(summary["cohorts"]) != len(document["cohorts"]):
        raise ValueError(f"{len(summary['cohorts'])} entries for {len(document['cohorts'])} cohorts")
    stragglers = [
        {"tenant": tenant, "state": says["state"], "reason": reason(says, cohort), "quarantined": summary["quarantined"] and tenant not in summary["waived"]}
        for says, cohort in zip(summary["cohorts"], document["cohorts"])
        if says["straggler"]
        for tenant in cohort["tenants"]
    ]
    return [{key: summary[key] for key in ["tolerated", "superseded_by"]}, *stragglers]


def counts_of_report(report):
    keys = ["tenant", "state", "reason", "quarantined"]
    stragglers = [{key: straggler[key] for key in keys} for straggler in report["stragglers"]]
    return [{key: report["summary"].get(key) for key in ["tolerated", "superseded_by"]}, *stragglers]


def whole(findings):
    """Findings that differ in nothing but their tenants as one: a waiver splits them."""
    merged = {}
    for finding in findings:
        rest = json.dumps({key: value for key, value in finding.items() if key != "tenants"}, sort_keys=True)
        merged.setdefault(rest, set()).update(finding["tenants"])
    return [{**json.loads(rest), "tenants": sorted(tenants)} for rest, tenants in merged.items()]


def differences(one, ones, other, others):
    """What only one of two lists has; their order says nothing."""
    ones, others = ([json.dumps(each, sort_keys=True, ensure_ascii=False) for each in each_list] for each_list in (ones, others))
    only = [f"only {one}: {each}" for each in ones if each not in others]
    only += [f"only {other}: {each}" for each in others if each not in ones]
    if not only and len(ones) != len(others):
        only.append(f"{one} says {len(ones)} things, {other} {len(others)}")
    return only


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
