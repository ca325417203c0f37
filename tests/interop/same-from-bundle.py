#!/usr/bin/env python3
"""The bundle that `rollproof policy bundle` writes gives the same findings under the real OPA and under conftest.

    same-from-bundle.py [--rollproof PATH] [--opa PATH] [--conftest PATH]

The commands of docs/policies.md that use a bundle are run as they are written. A policy of a team's own, made by `rollproof policy new`, is in the bundle beside the bundled ones, and so is the example
that a fixture is about. Every fixture with a verdict is judged by the binary, which also writes the document that it
judged; then each of the other two runs once for each set of parameters, policies and facts, on all documents. Exits
with 1, and the differences, where they are not the same.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
AT_LEAST = 100
REFUSED = 4
READS_DATA = """
note contains finding if {
	count(input.cohorts) > data.limits.cohorts
	finding := {"code": "gold.cohorts", "message": sprintf("more than %d cohorts", [data.limits.cohorts])}
}
"""
KEYS = ["policy", "code", "severity", "message", "observed", "expected", "at"]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--opa", default="opa", help="the real OPA")
    options.add_argument("--conftest", default="conftest", help="the real conftest")
    options = options.parse_args()
    options.rollproof = os.path.abspath(options.rollproof)

    groups = {}
    for path in [path for pattern in ["*/*/case.json", "examples/*/*/verify.json"] for path in sorted((ROOT / "fixtures").glob(pattern))]:
        case = json.loads(path.read_text(encoding="utf-8"))
        given = asked(case, path.parent)
        if case["exit"] != REFUSED and given is not None:
            groups.setdefault(given, []).append(path.parent)

    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        own = own_policy(options.rollproof, scratch)
        wrong += documented(options, scratch)
        for number, (given, folders) in enumerate(groups.items()):
            wrong += compare(options, own, given, folders, scratch / str(number))
    for difference in wrong:
        print(difference, file=sys.stderr)
    many = sum(map(len, groups.values()))
    print(f"{many} fixtures compared with opa and with conftest, {len(groups)} bundles, {len(wrong)} differences")
    if many <= AT_LEAST:
        print(f"more than {AT_LEAST} fixtures were expected", file=sys.stderr)
    return 0 if not wrong and many > AT_LEAST else 1


def asked(case, folder):
    """What a fixture gives beside its evidence: options of a bundle, and files of facts by name. Nothing where it asks for what a bundle does
    not have (waivers, modes)."""
    given, facts, args = [], [], list(case["args"])
    while args:
        arg = args.pop(0)
        if arg == "--param":
            given += [arg, args.pop(0)]
        elif arg == "--policy":
            given += [arg, str((folder / args.pop(0)).resolve())]
        elif arg in ["--previous", "--retired"]:
            given += [arg, str((folder / args.pop(0)).resolve())]
        elif arg == "--facts":
            name, file = args.pop(0).split("=", 1)
            facts.append((name, str((folder / file).resolve())))
        elif arg != "--require-verdict":
            return None
    return tuple(given), tuple(facts)


def own_policy(rollproof, scratch):
    """A policy as it is made, but for its need: a bundle refuses no evidence, so there is nothing to compare."""
    run([rollproof, "policy", "new", "team.gold", "--in", str(scratch)])
    policy = scratch / "team/gold/gold.rego"
    text = policy.read_text(encoding="utf-8")
    assert "#   needs: [labels.tier]\n" in text
    text = text.replace("#   needs: [labels.tier]\n", "")
    policy.write_text(text + READS_DATA, encoding="utf-8")
    (scratch / "team/limits").mkdir()
    (scratch / "team/limits/data.yaml").write_text("cohorts: 1\n", encoding="utf-8")
    return str(scratch / "team")


def documented(options, scratch):
    """The commands of docs/policies.md: each answers on a rollout that skipped a tenant, and conftest fails it."""
    page = (ROOT / "docs/policies.md").read_text(encoding="utf-8")
    block = page.split("<!-- test: by tests/interop/same-from-bundle.py -->\n```sh\n")[1].split("```")[0]
    folder = scratch / "documented"
    folder.mkdir()
    judge(options.rollproof, ROOT / "fixtures/coverage/skipped-tenant-46h", [], folder / "document.json")
    wrong = []
    for command in block.splitlines():
        for name in ["rollproof", "opa", "conftest"]:
            command = re.sub(rf"(^|&& ){name} ", lambda found: found[1] + str(getattr(options, name)) + " ", command)
        ran = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, encoding="utf-8")
        expected = 1 if "conftest" in command else 0
        if ran.returncode != expected or ("eval" in command and "agents-team" not in ran.stdout):
            wrong.append(f"docs/policies.md: {command}: exit {ran.returncode}: {ran.stdout}{ran.stderr}")
    return wrong


def compare(options, own, given, folders, scratch):
    """What is different for one set of parameters, policies and facts, in words."""
    scratch.mkdir()
    facts = given[1]
    args = [*given[0], "--policy", own, *(arg for name, file in facts for arg in ("--facts", f"{name}={file}"))]
    bundles = [scratch / "one.tar.gz", scratch / "two.tar.gz"]
    for bundle in bundles:
        run([options.rollproof, "policy", "bundle", "--out", str(bundle), *args])
    wrong = [] if bundles[0].read_bytes() == bundles[1].read_bytes() else [f"{given}: two bundles are not the same bytes"]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        judged = list(pool.map(lambda i: judge(options.rollproof, folders[i], args, scratch / f"{i}.json"), range(len(folders))))
    if given == ((), ()) and not any(finding["policy"] == "team.gold" for findings in judged for finding in findings):
        wrong.append("the team's own policy says nothing on any fixture")
    documents = [f"{i}.json" for i in range(len(folders))]
    for name, said in [("opa", opa(options.opa, documents, scratch)), ("conftest", conftest(options.conftest, documents, scratch))]:
        for folder, report, found in zip(folders, judged, said):
            ours, theirs = (sorted(map(canonical, findings)) for findings in (report, found))
            wrong += [f"{folder.relative_to(ROOT)}: only rollproof: {one}" for one in ours if one not in theirs]
            wrong += [f"{folder.relative_to(ROOT)}: only {name}: {one}" for one in theirs if one not in ours]
    return wrong


def judge(rollproof, folder, own, document):
    """The findings of a fixture; its document is written as engines get it."""
    args = ["verify", next(name for name in ["run.journal", "document.json", "response.json"] if (folder / name).is_file())]
    for option, name in [("--fleet", "fleet.json"), ("--fleet", "fleet.txt"), ("--plan", "plan.json")]:
        if (folder / name).is_file():
            args += [option, name]
    ran = subprocess.run(
        [rollproof, *args, *own, "--format", "json", "--document", str(document)],
        cwd=folder, capture_output=True, text=True, encoding="utf-8",
    )
    if not ran.stdout:
        raise ValueError(f"{folder}: no report: {ran.stderr}")
    evidence = json.loads(document.read_text(encoding="utf-8"))
    evidence.pop("phases", None)
    evidence.pop("order", None)
    for cohort in evidence["cohorts"]:
        cohort.pop("origins", None)
    document.write_text(json.dumps(evidence), encoding="utf-8")
    return json.loads(ran.stdout)["findings"]


def opa(program, documents, scratch):
    """What OPA says of each document, all of them in one run."""
    evidence = [json.loads((scratch / name).read_text(encoding="utf-8")) for name in documents]
    (scratch / "all-documents").write_text(json.dumps(evidence), encoding="utf-8")
    query = "[said | some document in input; said := data.main.findings with input as document]"
    command = [program, "eval", "--bundle", "one.tar.gz", "--strict-builtin-errors", "--input", "all-documents", query]
    return json.loads(run(command, scratch).stdout)["result"][0]["expressions"][0]["value"]


def conftest(program, documents, scratch):
    """What conftest says of each document, all of them in one run. It reads folders: the bundle is unpacked for it."""
    with tarfile.open(scratch / "one.tar.gz") as bundle:
        bundle.extractall(scratch / "bundle", filter="data")
    command = [program, "test", "--output", "json", "--parser", "json", "--no-fail"]
    command += ["--policy", "bundle/policies", "--data", "bundle/data.json", *documents]
    answers = {answer["filename"]: answer for answer in json.loads(run(command, scratch).stdout)}
    results = ([*answers[name].get("failures", []), *answers[name].get("warnings", [])] for name in documents)
    return [[result["metadata"] for result in each] for each in results]


def canonical(finding):
    """A finding with the keys that a policy gives it, as text."""
    said = {"tenants": sorted(set(finding.get("tenants", []))), **{key: finding.get(key) for key in KEYS}}
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def run(command, folder=None):
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    if ran.returncode != 0:
        raise SystemExit(f"{' '.join(command[:4])}: exit {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran


if __name__ == "__main__":
    sys.exit(main())
