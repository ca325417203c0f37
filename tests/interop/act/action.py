#!/usr/bin/env python3
"""action.yml and the workflow of docs/ci/github.yml under a real runner, act, against the drill's control plane.

    action.py [--rollproof PATH] [--act PATH]

Each case is a job of its own: one that passes, one that fails, rollouts that are killed or cancelled midway, and `arguments` of
every kind. The actions of other owners that the workflow names are replaced by one that keeps what it is given. act needs git;
nothing is fetched, and no container is started.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORKFLOW = ROOT / "docs/ci/github.yml"
SLOW = '\n[[faults]]\ncall = "cobalt"\ndelay_seconds = 60\n'
REPORTS = {"report.json", "report.html", "junit.xml", "rollproof.sarif"}
BEHIND = ["bolt", "cobalt", "dune", "ember"]

# Tells what the action gave to the job, and keeps the job's folder, which the runner removes.
TELL = """
      - name: Outputs
        if: always()
        env:
          OUTCOME: ${{ steps.rollproof.outcome }}
          OUTPUTS: ${{ toJSON(steps.rollproof.outputs) }}
        run: |
          printf '{"outcome":"%s","outputs":%s}' "$OUTCOME" "$OUTPUTS" >told.json
          cp -r . "$KEPT/job"
"""

# Stands for an action that keeps a file or a folder.
KEEP = """
name: keep
inputs: { name: {}, path: {}, sarif_file: {}, category: {} }
runs:
  using: composite
  steps:
    - shell: bash
      env:
        WHAT: ${{ inputs.path || inputs.sarif_file }}
      run: cp -r "$WHAT" "$KEPT/uploaded/"
"""

OURS = """
# METADATA
# title: Ours
package ours

warn contains "ours was asked"
"""

# Those of a verdict, and those that only a rollout has.
ARGUMENTS = """
--evidence-field=zone
--param=require_proof=true
--policy=ours
--format=json
--report=text=ours.txt
--show-errors
--journal=elsewhere.journal
--quiet
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    parser.add_argument("--act", default=str(ROOT / "target/interop/act"), help="the runner")
    options = parser.parse_args()
    tools = os.path.abspath(options.rollproof), os.path.abspath(options.act)
    two_words = "".join(line.replace("=", "\n", 1) for line in ARGUMENTS.splitlines(keepends=True))
    kept = {"rollout", "rollproof.sarif"}
    cases = [
        ("pass", Case(*tools), says("pass", [], kept)),
        ("fail", Case(*tools, scenario="skipped-tenant"), says("fail", ["agents-team"], kept, fails=True)),
        ("not enumerated", Case(*tools, scenario="not-enumerated"), says("fail", ["acme", *BEHIND], kept, fails=True)),
        ("on Gitea", Case(*tools, scenario="gates-open", gitea=True), says("pass", [], kept, gates=True)),
        ("a newer commit on Gitea", Case(*tools, scenario="superseded", gitea=True), says("not_asserted", [], kept, gates=True)),
        ("killed", Case(*tools, ends="kill"), says("fail", BEHIND, kept, fails=True, by="verify")),
        ("killed, with arguments", Case(*tools, ends="kill", arguments=ARGUMENTS), says("fail", BEHIND, kept, fails=True, ours=True, by="verify")),
        # act ends what runs, and then no step of any action.
        ("cancelled", Case(*tools, ends="cancel"), says("error", None, set(), fails=True, by=None)),
        ("arguments", Case(*tools, arguments=ARGUMENTS), says("pass", [], kept, ours=True)),
        ("arguments of two words", Case(*tools, arguments=two_words), says("pass", [], kept, ours=True)),
        ("a fleet among them", Case(*tools, arguments="--fleet=inventory.txt", fleet=False), says("pass", [], kept)),
        ("a policy that cannot be read", Case(*tools, arguments="--policy=none"), says("error", None, {"rollout"}, fails=True)),
        ("an inventory that is none", Case(*tools, arguments="--fleet\nrollproof.toml", fleet=False), says("error", None, {"rollout"}, fails=True)),
        ("an option that there is not", Case(*tools, arguments="--misspelt"), says("error", None, {"rollout"}, fails=True, by=None)),
        ("the help", Case(*tools, arguments="--help"), says("error", None, {"rollout"}, fails=True, by=None)),
        ("a plan that is refused", Case(*tools, variables={"PROD_AUTO_DEPLOY_BATCH_SIZE": "none"}), says("error", None, {"rollout"}, fails=True, by=None)),
    ]
    wrong = 0
    for name, case, expected in cases:
        begun = time.monotonic()
        found, log = case.run()
        print(f"{name}: {time.monotonic() - begun:.1f} s")
        if found != expected:
            wrong += 1
            print(f"  expected {expected}\n  found    {found}\n{log}", file=sys.stderr)
    print(f"{len(cases)} jobs under act, {wrong} of them wrong")
    sys.exit(bool(wrong))


def says(decision, stragglers, kept, fails=False, ours=False, by="rollout", gates=False):
    """What a job gives: the action's outcome and outputs, what is in its folder and was kept, and the step that reported."""
    return {
        "fails": fails,
        "outcome": "failure" if fails else "success",
        "decision": decision,
        "stragglers": "" if stragglers is None else json.dumps(stragglers, separators=(",", ":")),
        "report": decision if by else None,
        "reports": REPORTS if by else set(),
        "kept": kept,
        "ours": ours,
        # One with arguments has JSON in its place.
        "annotated": bool(by) and not ours,
        "summary": [by] if by else [],
        "gates": gates,
        "runs on": False,
    }


class Case:
    def __init__(self, rollproof, act, scenario="healthy", arguments="", fleet=True, gitea=False, ends=None, variables=()):
        self.rollproof, self.act, self.arguments, self.fleet, self.gitea, self.ends = rollproof, act, arguments, fleet, gitea, ends
        self.variables = {"PROD_AUTO_DEPLOY_MAX_STRAGGLERS": "0", "PROD_AUTO_DEPLOY_SOAK_SECONDS": "0", **dict(variables)}
        self.scenario = (ROOT / f"scenarios/{scenario}.toml").read_text() + (SLOW if ends else "")

    def run(self):
        """What the job gave, and its log."""
        with tempfile.TemporaryDirectory() as scratch:
            self.scratch = pathlib.Path(scratch)
            self.job, self.kept = self.scratch / "job", self.scratch / "kept"
            (self.kept / "uploaded").mkdir(parents=True)
            self.commit()
            with self.served() as (url, token):
                self.prepare(url)
                code, lines = self.play(token)
            log = [json.loads(line) for line in lines if line.startswith("{")]
            return self.found(code, log), "".join(f"    {entry['msg']}\n" for entry in log)

    def commit(self):
        """Makes the repository of the job; its only commit is the head of the branch, where nothing else is."""
        self.job.mkdir()
        git = ["git", "-C", self.job, "-c", "user.name=drill", "-c", "user.email=drill@example"]
        subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=Begin"], check=True)
        sha = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        if self.gitea and "[[gitea.head]]" not in self.scenario:
            self.scenario += f'\n[[gitea.head]]\nbody = {{ commit = {{ id = "{sha}" }} }}\n'

    @contextlib.contextmanager
    def served(self):
        scenario = self.scratch / "scenario.toml"
        scenario.write_text(self.scenario)
        served = subprocess.Popen([self.rollproof, "drill", "serve", scenario], stdout=subprocess.PIPE, text=True)
        try:
            yield served.stdout.readline().strip(), served.stdout.readline().strip()
        finally:
            served.kill()
            served.wait()

    def prepare(self, url):
        """Writes the files of the job, and the actions that it uses."""
        workflow = WORKFLOW.read_text() + TELL
        given = "          fleet: inventory.txt\n" if self.fleet else ""
        if self.gitea:
            given += "          gitea-token: ${{ secrets.CP_ADMIN_API_TOKEN }}\n"
        if self.arguments:
            given += "          arguments: |\n" + "".join(f"            {line}\n" for line in self.arguments.splitlines())
        assert workflow.count("          fleet: inventory.txt\n") == 1
        workflow = workflow.replace("          fleet: inventory.txt\n", given)
        # It says whom to kill, and where its journal is.
        binary = self.scratch / "rollproof"
        binary.write_text(f'#!/bin/sh\n[ "$1" != run ] || echo "$$ $PWD" >{self.scratch}/running\nexec {self.rollproof} "$@"\n')
        binary.chmod(0o755)
        lists = [line.split(" = ")[1] for line in self.scenario.splitlines() if line.startswith(("fleet = ", "inventory = "))]
        for path, text in {
            "job/.github/workflows/rollout.yml": workflow,
            "job/rollproof.toml": f'[plan]\ncanary = "acme"\ncontrol_plane = "{url}"\nrequired_contexts = ["ci / test (push)"]\n',
            "job/inventory.txt": "".join(f"{tenant}\n" for tenant in json.loads(lists[-1])),
            "job/Makefile": "test:\n",
            "job/ours/ours.rego": OURS,
            "action/action.yml": (ROOT / "action.yml").read_text(),
            "keep/action.yml": KEEP,
            "keep/upload-sarif/action.yml": KEEP,
            # Without a configuration it asks which images it should use.
            "config/act/actrc": "",
        }.items():
            file = self.scratch / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        # Of an earlier rollout.
        (self.job / "rollout").mkdir()
        for name in [*REPORTS, "document.json"]:
            (self.job / "rollout" / name).write_text("old")
        if self.gitea:
            self.variables |= {"GITEA_ACTIONS": "true", "GITHUB_SERVER_URL": url, "CI_STATUS_POLL_INTERVAL_SECONDS": "0.01"}

    def play(self, token):
        """The exit code of the runner, and the lines of its log."""
        home = {"HOME": str(self.scratch), "XDG_CONFIG_HOME": str(self.scratch / "config"), "XDG_CACHE_HOME": str(self.scratch / "cache")}
        command = [
            self.act, "push", "--json", "--no-cache-server", "--pull=false", "--platform", "ubuntu-latest=-self-hosted",
            "--secret", "CP_ADMIN_API_TOKEN", "--var", f"ROLLPROOF_BINARY={self.scratch}/rollproof",
            # The drill's tenants run that image.
            "--env", "PROD_AUTO_DEPLOY_TARGET_TAG=staging-abcdef1", "--env", f"KEPT={self.kept}",
        ]
        for name, value in self.variables.items():
            command += ["--env", f"{name}={value}"]
        for action, folder in uses().items():
            command += ["--local-repository", f"{action}={self.scratch}/{folder}"]
        environment = {"PATH": os.environ["PATH"], "CP_ADMIN_API_TOKEN": token, **home}
        with open(self.scratch / "log", "w+") as log:
            runner = subprocess.Popen(command, cwd=self.job, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                self.end(runner)
                code = runner.wait(timeout=60)
            finally:
                runner.kill()
                self.runs_on = self.stop()
            log.seek(0)
            return code, log.readlines()

    def end(self, runner):
        """Ends the rollout once its first batch is called."""
        until = time.monotonic() + 30
        while self.ends and runner.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
            pid, _, folder = read(self.scratch / "running").strip().partition(" ")
            journals = (pathlib.Path(folder, name) for name in ("rollout/document.json.journal", "elsewhere.journal"))
            if folder and any('"purpose":"batch"' in read(journal) for journal in journals):
                os.kill(*((int(pid), signal.SIGKILL) if self.ends == "kill" else (runner.pid, signal.SIGINT)))
                break

    def stop(self):
        """Whether the rollout outlived its runner; then it is stopped here."""
        pid = read(self.scratch / "running").partition(" ")[0]
        if not pid:
            return False
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def found(self, code, log):
        """The job as `says` has it."""
        job = self.kept / "job"
        if not job.exists():
            return None
        told = json.loads((job / "told.json").read_text())
        outputs, ours, document = told["outputs"], job / "ours.txt", job / "rollout/document.json"
        warned = ours.exists() and "ours was asked" in ours.read_text()
        return {
            "fails": code != 0,
            "outcome": told["outcome"],
            "decision": outputs["decision"],
            "stragglers": outputs["stragglers"],
            "report": json.loads((job / outputs["report"]).read_text()).get("decision", "error") if outputs["report"] else None,
            "reports": {name for name in REPORTS if (job / "rollout" / name).exists()},
            "kept": {entry.name for entry in (self.kept / "uploaded").iterdir()},
            "ours": warned and any("ours was asked" in entry["msg"] for entry in log),
            "annotated": any(entry.get("command") in ("error", "warning", "notice") for entry in log),
            # The runner has the last one again as the action's own.
            "summary": [entry["stepID"][-1] for entry in log if entry.get("command") == "summary" and len(entry["stepID"]) > 1],
            "gates": '"gates":' in document.read_text(),
            "runs on": self.runs_on,
        }


def read(path):
    return path.read_text() if path.exists() else ""


def uses():
    """The actions that the workflow uses, and the folder that stands for each."""
    found = {}
    for line in WORKFLOW.read_text().splitlines():
        if "uses: " in line:
            action, version = line.split("uses: ")[1].split("@")
            repository = "/".join(action.split("/")[:2])
            found[f"{repository}@{version}"] = "action" if repository.endswith("/rollproof") else "keep"
    return found


if __name__ == "__main__":
    main()
