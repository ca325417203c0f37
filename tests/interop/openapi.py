#!/usr/bin/env python3
"""Both ends of the wire keep to schemas/control-plane.openapi.json.

    openapi.py [--rollproof PATH]

The drill's control plane is tested by schemathesis: what the file allows is accepted, what it does not is refused, and every
answer is as described. Then a rollout is driven through a proxy, and each call that `run` makes, and its answer, is validated.
The Python that runs this needs the packages schemathesis and jsonschema from PyPI.
"""

import argparse
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECIFICATION = ROOT / "schemas/control-plane.openapi.json"
PLAN = {
    "enabled": True, "sha": "abcdef1" + "0" * 33, "short_sha": "abcdef1", "target_tag": "staging-abcdef1", "rollout_http_timeout": 600,
    "body": {
        "target_tag": "staging-abcdef1", "canary_slug": "acme", "soak_seconds": 0, "batch_size": 2, "max_stragglers": 0,
        "dry_run": False, "confirm": True,
    },
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    rollproof = os.path.abspath(parser.parse_args().rollproof)
    # It leaves a folder of its own behind.
    with tempfile.TemporaryDirectory() as scratch, drill(rollproof) as (url, token):
        schemathesis = pathlib.Path(sys.executable).with_name("schemathesis")
        subprocess.run(
            [schemathesis, "run", SPECIFICATION, "--url", url, "--header", f"Authorization: Bearer {token}", "--checks", "all", "--max-examples", "60", "--seed", "1"],
            check=True, cwd=scratch,
        )
        seen, wrong = driven(rollproof, url, token)
    for problem in wrong:
        print(problem, file=sys.stderr)
    print(f"{seen} calls of a rollout and their answers, {len(wrong)} against the specification")
    # The plan call, the canary and two batches.
    sys.exit(bool(wrong) or seen != 4)


@contextlib.contextmanager
def drill(rollproof):
    served = subprocess.Popen([rollproof, "drill", "serve", ROOT / "scenarios/healthy.toml"], stdout=subprocess.PIPE, text=True)
    try:
        yield served.stdout.readline().strip(), served.stdout.readline().strip()
    finally:
        served.kill()


def driven(rollproof, url, token):
    """How many calls a rollout made, and what is wrong with them."""
    specification = json.loads(SPECIFICATION.read_text())
    validate = lambda schema, value: jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **specification}).iter_errors(value)
    calls, wrong = [], []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            upstream = http.client.HTTPConnection(url.removeprefix("http://"))
            upstream.request("POST", self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            said = answer.read()
            calls.append(self.path)
            request = json.loads(body)
            kind = "ScopedCall" if "only_slugs" in request else "PlanCall"
            wrong.extend(f"{kind}: {error.json_path}: {error.message}" for error in validate(kind, request))
            wrong.extend(f"answer to {kind}: {error.json_path}: {error.message}" for error in validate("Answer", json.loads(said)))
            if self.path not in specification["paths"]:
                wrong.append(f"{self.path} is not in the specification")
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        plan = pathlib.Path(folder) / "plan.json"
        plan.write_text(json.dumps(PLAN | {"cp_url": f"http://127.0.0.1:{proxy.server_port}"}))
        environment = {"PATH": os.environ["PATH"], "CP_ADMIN_API_TOKEN": token}
        command = [rollproof, "run", "--plan", plan, "--response", "response.json", "--document", "document.json", "--time-scale", "0"]
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        if ran.returncode:
            wrong.append(f"run ends with {ran.returncode}: {ran.stderr or ran.stdout}")
    proxy.shutdown()
    return len(calls), wrong


if __name__ == "__main__":
    main()
