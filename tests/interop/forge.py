#!/usr/bin/env python3
"""The gates, asked of a real Gitea.

    forge.py --gitea PATH --static FOLDER [--rollproof PATH]

Runs a Gitea on loopback, in a folder of its own, with an organization, users, tokens of several scopes, variables, branches and
commit statuses, and runs `rollproof preflight` against it. Needs git. FOLDER is the Gitea's source, with its templates.
"""

import argparse
import base64
import contextlib
import getpass
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SWITCH = "PROD_AUTO_DEPLOY_DISABLED"
HELD, ARMED, DEGRADED = "gates.switch_unreadable", "gates.disabled", "gates.switch_degraded"
FAILED, MISSING = "gates.ci_failed", "gates.ci_missing"

INI = """
APP_NAME = gates
RUN_USER = {user}
RUN_MODE = prod
WORK_PATH = {work}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true

[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {static}
DISABLE_SSH = true
OFFLINE_MODE = true

[database]
DB_TYPE = sqlite3
PATH = {work}/gitea.db
LOG_SQL = false

[repository]
ROOT = {work}/repositories

[security]
INSTALL_LOCK = true
SECRET_KEY = nothing-is-kept-here
INTERNAL_TOKEN = {internal}
PASSWORD_HASH_ALGO = pbkdf2$1000$20
MIN_PASSWORD_LENGTH = 6

[service]
DISABLE_REGISTRATION = true

[indexer]
ISSUE_INDEXER_TYPE = db

[cron]
ENABLED = false

[mailer]
ENABLED = false

[log]
MODE = console
LEVEL = Warn
"""


class Forge:
    """A Gitea that is running."""

    def __init__(self, gitea, static, work):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.command = [gitea, "--config", f"{work}/app.ini"]
        # Nothing of who runs this: no configuration of git, no variable of another Gitea.
        self.environment = {"PATH": os.environ["PATH"], "HOME": work, "USER": getpass.getuser()}
        internal = self.run("generate", "secret", "INTERNAL_TOKEN")
        pathlib.Path(work, "app.ini").write_text(INI.format(user=getpass.getuser(), work=work, port=port, static=static, internal=internal))
        self.run("migrate")
        self.run("admin", "user", "create", "--admin", "--username", "keeper", "--password", "keeper-s3cret", "--email", "keeper@example.org", "--must-change-password=false")
        self.keeper = self.token("keeper", "all")

    def run(self, *arguments):
        done = subprocess.run([*self.command, *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"gitea {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def token(self, user, scopes):
        name = f"{scopes}-{time.monotonic_ns()}"
        return self.run("admin", "user", "generate-access-token", "--username", user, "--token-name", name, "--scopes", scopes, "--raw").splitlines()[-1]

    @contextlib.contextmanager
    def serve(self):
        with open(os.path.join(self.environment["HOME"], "log"), "w") as log:
            served = subprocess.Popen([*self.command, "web"], env=self.environment, stdout=log, stderr=log)
            try:
                self.wait(served, log.name)
                yield
            finally:
                served.terminate()
                served.wait(timeout=60)

    def wait(self, served, log):
        for _ in range(600):
            with contextlib.suppress(OSError):
                self.ask("GET", "/version")
                return
            if served.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"the Gitea does not answer: {pathlib.Path(log).read_text()[-2000:]}")

    def ask(self, method, path, body=None, token=None):
        headers = {"Authorization": f"token {token or self.keeper}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", method=method, headers=headers, data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.code} {error.read().decode()[:500]}")
        return json.loads(text) if text else None


class Gates:
    """What `rollproof preflight` says of the gates, and how often it was not what is expected."""

    def __init__(self, rollproof, forge, work):
        self.rollproof, self.forge, self.work = rollproof, forge, work
        self.asked, self.wrong = 0, 0

    def ask(self, gate, token, repository, **more):
        environment = {
            "PATH": os.environ["PATH"], "GITEA_HOST": self.forge.url, "GITEA_TOKEN": token, "GITHUB_REPOSITORY": repository,
            "GITHUB_SHA": "0" * 40, "CI_STATUS_POLL_INTERVAL_SECONDS": "0.2", "CI_STATUS_TIMEOUT_SECONDS": "0", **more,
        }
        command = [self.rollproof, "preflight", gate, "--format", "json"]
        if gate == "latest":
            command = command[:3]
        return subprocess.run(command, env=environment, cwd=self.work, capture_output=True, text=True)

    def expect(self, name, ran, code, codes=()):
        """The exit code, and what was found."""
        found = sorted(finding["code"] for finding in json.loads(ran.stdout).get("findings", [])) if ran.stdout.startswith("{") else []
        self.compare(name, (ran.returncode, found), (code, sorted(codes)), ran)

    def compare(self, name, found, expected, ran):
        self.asked += 1
        if found != expected:
            self.wrong += 1
            print(f"{name}: found {found}, expected {expected}\n{ran.stdout[:3000]}{ran.stderr}", file=sys.stderr)

    def switch(self, name, token, repository, code, codes=(), **more):
        self.expect(f"kill switch, {name}", self.ask("enabled", token, repository, **more), code, codes)

    def ci(self, name, token, repository, sha, contexts, code, codes=()):
        ran = self.ask("ci", token, repository, GITHUB_SHA=sha, PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS="\n".join(contexts))
        self.expect(f"CI, {name}", ran, code, codes)
        return ran


def prepare(forge):
    """An organization with a repository that everybody sees and one that nobody else does, and a user with a repository."""
    for name in ["olive", "ulla", "bob", "eve"]:
        user = {"username": name, "email": f"{name}@example.org", "password": "s3cret-word", "must_change_password": False}
        forge.ask("POST", "/admin/users", user)
    olive, ulla = forge.token("olive", "all"), forge.token("ulla", "all")
    forge.ask("POST", "/orgs", {"username": "shop"}, olive)
    for private, name in [(False, "platform"), (True, "hidden")]:
        forge.ask("POST", "/orgs/shop/repos", {"name": name, "auto_init": True, "private": private, "default_branch": "main"}, olive)
    forge.ask("POST", "/user/repos", {"name": "own", "auto_init": True, "default_branch": "main"}, ulla)
    forge.ask("PUT", "/repos/ulla/own/collaborators/bob", {"permission": "write"}, ulla)
    return olive, ulla


@contextlib.contextmanager
def variable(forge, token, place, value):
    path = f"{place}/actions/variables/{SWITCH}"
    forge.ask("POST", path, {"value": value}, token)
    try:
        yield
    finally:
        forge.ask("DELETE", path, None, token)


def switches(gates, forge, olive, ulla):
    """The kill switch of a repository, of an organization and of a user, for tokens of every scope."""
    scoped = {scopes: forge.token("olive", scopes) for scopes in ["read:misc", "read:repository", "read:repository,read:organization"]}
    both = scoped["read:repository,read:organization"]
    public = forge.token("olive", "public-only,read:repository,read:organization")
    eve = forge.token("eve", "all")
    shop = "shop/platform"
    # Nobody has set it.
    gates.switch("absent, every scope", olive, shop, 0)
    gates.switch("absent, both scopes", both, shop, 0)
    gates.switch("absent, only the repository's scope", scoped["read:repository"], shop, 0, [DEGRADED])
    gates.switch("absent, no scope for it", scoped["read:misc"], shop, 0, [DEGRADED])
    gates.switch("absent, no scope for it, armed by the job", scoped["read:misc"], shop, 1, [ARMED], **{SWITCH: "true"})
    gates.switch("absent, armed by the job", olive, shop, 1, [ARMED], **{SWITCH: "1"})
    gates.switch("absent, somebody else's token", eve, shop, 0, [DEGRADED])
    gates.switch("a private repository", olive, "shop/hidden", 0)
    gates.switch("a private repository that the token cannot see", eve, "shop/hidden", 1, [HELD])
    gates.switch("a private repository, a token for public ones", public, "shop/hidden", 0, [DEGRADED])
    gates.switch("no such repository", olive, "shop/gone", 1, [HELD])
    gates.switch("no such owner", olive, "gone/platform", 1, [HELD])
    gates.switch("no such token", "0" * 40, shop, 1, [HELD])
    for value, code, codes in [("true", 1, [ARMED]), (" Disabled ", 1, [ARMED]), ("false", 0, []), ("0", 0, []), ("yes please", 1, [HELD])]:
        with variable(forge, olive, f"/repos/{shop}", value):
            gates.switch(f"the repository's is {value!r}", both, shop, code, codes)
            gates.switch(f"the repository's is {value!r}, no organization's scope", scoped["read:repository"], shop, code, codes)
            gates.switch(f"the repository's is {value!r}, armed by the job", both, shop, 1, [ARMED], **{SWITCH: "on"})
        with variable(forge, olive, "/orgs/shop", value):
            gates.switch(f"the organization's is {value!r}", both, shop, code, codes)
            gates.switch(f"the organization's is {value!r}, of a private repository", both, "shop/hidden", code, codes)
            gates.switch(f"the organization's is {value!r}, no scope for it", scoped["read:repository"], shop, 0, [DEGRADED])
    with variable(forge, olive, "/orgs/shop", "true"), variable(forge, olive, f"/repos/{shop}", "false"):
        gates.switch("the repository's is off, which outweighs the organization's as it does in a job", both, shop, 0)

    own = "ulla/own"
    ulla_both = forge.token("ulla", "read:repository,read:organization")
    gates.switch("a user's repository, absent", ulla, own, 0)
    gates.switch("a user's repository, no scope for the user", ulla_both, own, 0, [DEGRADED])
    gates.switch("a user's repository, a collaborator who may not read its variables", forge.token("bob", "all"), own, 0, [DEGRADED])
    for value, code, codes in [("on", 1, [ARMED]), ("off", 0, []), ("maybe", 1, [HELD])]:
        with variable(forge, ulla, "/user", value):
            gates.switch(f"the user's is {value!r}", ulla, own, code, codes)
            gates.switch(f"the user's is {value!r}, and the name is in capitals", ulla, "ULLA/own", code, codes)
    # A site's administrator reads everybody's repository, and nobody's own variables.
    gates.switch("a user's repository, an administrator's token", forge.keeper, own, 0)


def commit(forge, token, repository, branch, name, new_branch=None):
    body = {"content": base64.b64encode(name.encode()).decode(), "message": name, "branch": branch, **({"new_branch": new_branch} if new_branch else {})}
    return forge.ask("POST", f"/repos/{repository}/contents/{name}", body, token)["commit"]["sha"]


def statuses(gates, forge, olive):
    shop, token = "shop/platform", forge.token("olive", "read:repository")
    sha = commit(forge, olive, shop, "main", "statuses")

    def post(context, state, commit=sha):
        forge.ask("POST", f"/repos/{shop}/statuses/{commit}", {"context": context, "state": state}, olive)

    gates.ci("none", token, shop, sha, ["ci / test (push)"], 1, [MISSING])
    post("ci / test (push)", "success")
    post("ci / twice", "failure")
    for number in range(60):
        post(f"other {number}", "success")
    post("ci / twice", "success")
    post("ci / again", "success")
    post("ci / again", "failure")
    post("ci / warning", "warning")
    post("ci / skipped", "skipped")
    post("ci / pending", "pending")
    post("ci / test (linux, 3.12) (push)", "success")
    gates.ci("green on the second page", token, shop, sha, ["ci / test (push)"], 0)
    gates.ci("a short name of the commit", token, shop, sha[:10], ["ci / test (push)"], 0)
    gates.ci("60 contexts", token, shop, sha, [f"other {number}" for number in range(60)], 0)
    gates.ci("failed, then green", token, shop, sha, ["ci / twice"], 0)
    gates.ci("green, then failed", token, shop, sha, ["ci / again"], 1, [FAILED])
    gates.ci("a warning", token, shop, sha, ["ci / warning"], 1, [FAILED])
    gates.ci("skipped", token, shop, sha, ["ci / skipped"], 1, [FAILED])
    gates.ci("pending", token, shop, sha, ["ci / pending"], 1, [MISSING])
    gates.ci("a comma in brackets", token, shop, sha, ["ci / test (linux, 3.12) (push)"], 0)
    ran = gates.ci("misspelt", token, shop, sha, ["ci / test (pull_request)"], 1, [MISSING])
    gates.compare("the nearest context is named", "the commit has ci / test (push), ci / test (linux, 3.12) (push)" in ran.stdout, True, ran)
    gates.ci("no scope for it", forge.token("olive", "read:misc"), shop, sha, ["ci / test (push)"], 1, [MISSING])
    gates.ci("no such commit", token, shop, "1" * 40, ["ci / test (push)"], 1, [MISSING])
    gates.ci("a private repository that the token cannot see", forge.token("eve", "all"), "shop/hidden", sha, ["ci / test (push)"], 1, [MISSING])


def heads(gates, forge, olive):
    shop, token = "shop/platform", forge.token("olive", "read:repository")

    def latest(name, sha, branch, code, newer="", token=token, repository=shop):
        ran = gates.ask("latest", token, repository, GITHUB_SHA=sha, GITHUB_REF_NAME=branch)
        gates.compare(f"head, {name}", (ran.returncode, ran.stdout.strip()), (code, newer), ran)

    for branch, made in [("main", None), ("release/1.2", "release/1.2"), ("a b#c%2Fd+é", None)]:
        if branch not in ("main", "release/1.2"):
            # Git takes no space in a name.
            branch = made = "a#c%2Fd+é"
        first = commit(forge, olive, shop, "main", f"first-{len(branch)}", made)
        latest(f"{branch} is at this commit", first, branch, 10)
        latest(f"{branch} is at this commit, in short", first[:8].upper(), branch, 10)
        second = commit(forge, olive, shop, branch, f"second-{len(branch)}")
        latest(f"{branch} has moved on", first, branch, 0, second)
        latest(f"{branch} is at the newer commit", second, branch, 10)
    latest("no such branch", first, "release", 10)
    latest("no scope for it", first, "main", 10, token=forge.token("olive", "read:misc"))
    latest("a private repository that the token cannot see", first, "main", 10, token=forge.token("eve", "all"), repository="shop/hidden")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gitea", required=True, help="the Gitea's binary")
    parser.add_argument("--static", required=True, help="its source")
    parser.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "rollproof.toml").write_text("[gitea]\nretry_delays_seconds = [0.1]\n")
        forge = Forge(os.path.abspath(options.gitea), options.static, work)
        gates = Gates(os.path.abspath(options.rollproof), forge, folder)
        with forge.serve():
            olive, ulla = prepare(forge)
            switches(gates, forge, olive, ulla)
            statuses(gates, forge, olive)
            heads(gates, forge, olive)
    print(f"{gates.asked} answers about a Gitea, {gates.wrong} not as expected, {time.monotonic() - start:.0f} s")
    sys.exit(bool(gates.wrong))


if __name__ == "__main__":
    main()
