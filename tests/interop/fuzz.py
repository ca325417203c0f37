#!/usr/bin/env python3
"""Random bytes and structural mutations of everything that rollproof reads, on the real binary.

    fuzz.py [--rollproof PATH] [--cases N] [--bytes N] [--seed S] [--only FORMAT]... [--case I]

Every format, the answers of services among them, is mutated `--cases` times, and given `--bytes` random bytes in all.
Whatever is read, the program ends within its limits of time and memory, with an exit code that its help lists, without a
panic, without a control character in what it prints, and where it refuses an input it names that input. Cases follow
from the seed: `--only FORMAT --case I` runs one again. What fails is kept below target/fuzz/.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import gzip
import http.server
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
KEPT = ROOT / "target/fuzz"
# Seconds, resident bytes, and bytes of address space: a policy thread reserves 1 GiB for its stack.
TIME, RESIDENT, SPACE = 20, 1 << 30, 16 << 30
# Bytes of a mutation at the most: what makes it takes longer than what reads it, and the services live in the same process.
LARGEST = 2 << 20
CODES = set(range(8))
REFUSALS = {2, 4, 5}
BUGS = re.compile(rb"panicked at|RUST_BACKTRACE|report this as a bug|stack overflow|memory allocation of")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

VALUES = [
    "null", "true", "false", "0", "-1", "1", "200", "1e400", "-0.0", "1.5", "9223372036854775808", "1" * 400,
    '""', '" "', '"acme"', '"dry_run"', '"DryRun"', '"2026-13-45T99:99:99Z"', '"\\u0000"', '"\\ud800"', '"\\u202e"',
    '"a\\n::error::b"', '"\\u001b[31m"', '"\u00e9"', '"' + "x" * 70_000 + '"', "[]", "{}", "[[]]", '{"": null}',
    '{"slug": "acme"}', '"9999-12-31T23:59:59.999999999Z"', '"-009999-01-01T00:00:00Z"', "NaN", "Infinity", "'", "0x10",
]
# A string that nobody closes is a token too, so that no character is read twice.
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"?|-?\d[\d.eE+-]*|\w+|[^\w\s]')


class Format:
    """What is mutated, and the command that reads it: `{}` is the mutated file, or the path of a service's answer."""

    def __init__(self, name, seeds, command, codes=CODES, service=False, shown=True, stop=None):
        self.name, self.command, self.codes, self.service, self.shown = name, command, codes, service, shown
        # What serves until it is told to stop is told so after this many seconds.
        self.stop = stop
        self.seeds = [seed for seed in seeds if seed]
        assert self.seeds, f"{name} has no seed"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rollproof", default=str(ROOT / "target/dist/rollproof"), help="the binary")
    parser.add_argument("--cases", type=int, default=20_000, help="mutations of every format")
    parser.add_argument("--bytes", type=int, default=1_000_000, help="random bytes, over all formats")
    parser.add_argument("--seed", default="rollproof")
    parser.add_argument("--only", action="append", default=[], metavar="FORMAT", help="these formats alone")
    parser.add_argument("--case", type=int, help="this case alone")
    options = parser.parse_args()
    options.rollproof = os.path.abspath(options.rollproof)
    # Inherited by whatever is started.
    resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, served() as service:
        scratch = pathlib.Path(scratch)
        formats = [format for format in all_formats(options, scratch) if not options.only or format.name in options.only]
        assert formats, f"no format is called {' or '.join(options.only)}"
        blocks = random_blocks(options, formats)
        cases = [(format, i) for i in range(options.cases) for format in formats]
        cases += [(format, options.cases + k) for k, (format, _) in enumerate(blocks)]
        if options.case is not None:
            cases = [case for case in cases if case[1] == options.case]
        ran, failures = collections.defaultdict(collections.Counter), []
        slowest, largest = collections.Counter(), collections.Counter()
        runner = Runner(options, scratch, service)

        def one(case):
            format, i = case
            content = mutated(format, options.seed, i) if i < options.cases else blocks[i - options.cases][1]
            return format, i, content, runner.run(format, i, content)

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for format, i, content, (code, problem, seconds, resident) in pool.map(one, cases, chunksize=1):
                ran[format.name][code] += 1
                slowest[format.name] = max(slowest[format.name], seconds)
                largest[format.name] = max(largest[format.name], resident)
                if problem:
                    KEPT.mkdir(parents=True, exist_ok=True)
                    kept = KEPT / f"{format.name}-{i}"
                    kept.write_bytes(content)
                    failures.append(f"{format.name} {i}: {problem}; its input is {kept.relative_to(ROOT)}")

    for name, codes in ran.items():
        exits = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
        print(f"{name:22} {sum(codes.values()):6} cases  {slowest[name]:5.2f} s  {largest[name] >> 20:4} MiB  exits {exits}")
    print(f"{len(cases)} cases, {len(failures)} failures, {time.monotonic() - start:.0f} s")
    for failure in failures[:50]:
        print(failure, file=sys.stderr)
    sys.exit(bool(failures))


def random_blocks(options, formats):
    """Random bytes, cut into pieces, for one format after the other."""
    source, blocks, left = random.Random(f"{options.seed}/bytes"), [], options.bytes
    while left > 0:
        size = min(left, int(2 ** source.uniform(0, 14)))
        blocks.append((formats[len(blocks) % len(formats)], source.randbytes(size)))
        left -= size
    return blocks


# Mutating.


def mutated(format, seed, i):
    """The i-th mutation of a format."""
    source = random.Random(f"{seed}/{format.name}/{i}")
    content = source.choice(format.seeds)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        structured = source.random() < 0.75 and len(content) <= LARGEST >> 3
        content = structural(content, source) if structured else bytewise(content, source, format.seeds)
    return content[:LARGEST]


def spans(text):
    """Where values, members and elements of JSON stand; in other text, its tokens and lines."""
    tokens = [match.span() for match in TOKEN.finditer(text)]
    found, open_at, begin = list(tokens), [], None
    for start, end in tokens:
        char = text[start]
        if char in "[{(":
            open_at.append((start, begin))
            begin = None
        elif char in "]})" and open_at:
            if begin is not None:
                found.append((begin, start))
            opened, begin = open_at.pop()
            found.append((opened, end))
            begin = opened if begin is None else begin
        elif char == ",":
            if begin is not None:
                found.append((begin, start))
            begin = None
        elif begin is None:
            begin = start
    lines = [match.span() for match in re.finditer(r"[^\n]*\n|[^\n]+$", text)]
    return found + (lines if len(lines) > 1 else [])


def structural(content, source):
    text = content.decode("utf-8", "surrogateescape")
    found = spans(text)
    if not found:
        return content + source.choice(VALUES).encode()
    # Small pieces and large ones alike.
    start, end = source.choice(found if source.random() < 0.5 else sorted(found, key=lambda span: span[0] - span[1])[:40])
    piece = text[start:end]
    other_start, other_end = source.choice(found)
    kind = source.randrange(12)
    if kind == 0:
        piece = ""
        if source.random() < 0.7:
            end += len(text[end:]) - len(text[end:].lstrip(" \t,"))
    elif kind == 1:
        piece = piece + source.choice((", ", ",", "\n", "")) + piece
    elif kind == 2:
        piece = text[other_start:other_end]
    elif kind == 3 and end <= other_start:
        piece, end = text[other_start:other_end] + text[end:other_start] + piece, other_end
    elif kind == 4:
        depth = source.choice((1, 2, 40, 130, 3_000, 100_000))
        before, after = source.choice((("[", "]"), ('{"a":', "}"), ("(", ")"), ("not ", "")))
        piece = before * depth + piece + after * depth * source.choice((0, 1, 1))
    elif kind == 5:
        piece = json.dumps(piece)
    elif kind == 6:
        piece = source.choice((piece.upper(), piece.title(), piece.replace("_", "-"), piece.replace('"', "'"), piece[:-1]))
    elif kind == 7 and len(piece) > 1:
        at = source.randrange(1, len(piece))
        inner = source.choice(("\\u0000", "\\ud800", "\\n::error::x", " ", "\u200b", "\u0301", "\t", "\n", "\\", '"', "#", "\x1b"))
        piece = piece[:at] + inner + piece[at:]
    elif kind == 8:
        piece = (piece + source.choice((", ", "\n"))) * min(source.choice((2, 30, 2_000)), LARGEST // (len(piece) + 2) + 1)
    elif kind == 9:
        piece = source.choice(("// c", "# c", "/* c */", ",", ":", "=", "{", "}", "[", "]")) + piece
    else:
        piece = source.choice(VALUES)
    return (text[:start] + piece + text[end:]).encode("utf-8", "surrogateescape")


def bytewise(content, source, seeds):
    at = source.randrange(len(content) + 1)
    to = min(len(content), at + int(2 ** source.uniform(0, 8)))
    kind = source.randrange(11)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + content[to:]
    if kind == 2:
        return content[:to] + content[at:]
    if kind == 3 and at < len(content):
        return content[:at] + bytes((content[at] ^ (1 << source.randrange(8)),)) + content[at + 1 :]
    if kind == 4:
        bad = source.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0", b"\xe2\x80\xae", b"\x80"))
        return content[:at] + bad + content[at:]
    if kind == 5:
        return source.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")) + content
    if kind == 6:
        return content.replace(b"\n", source.choice((b"\r\n", b"\r", b"\n\n", b"\0")))
    if kind == 7:
        return content.decode("utf-8", "replace").encode(source.choice(("utf-16", "utf-16-le", "utf-32")))
    if kind == 8:
        other = source.choice(seeds)
        return content[:at] + other[source.randrange(len(other) + 1) :]
    if kind == 9:
        packed = gzip.compress(content, mtime=0)
        return source.choice((packed, packed[: len(packed) // 2], packed + packed, packed + b"x"))
    return content + content


# Running.


class Runner:
    def __init__(self, options, scratch, service):
        self.options, self.service, self.scratch = options, service, scratch
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(scratch), "RUST_BACKTRACE": "0", "CP_ADMIN_API_TOKEN": "token-of-the-fuzzer",
        }
        self.gitea = {
            "GITEA_TOKEN": "token-of-gitea-here", "GITHUB_REPOSITORY": "team/shop", "GITHUB_SHA": "0123abc" * 5 + "0123a",
            "PROD_AUTO_DEPLOY_REQUIRED_CONTEXTS": "build", "CI_STATUS_TIMEOUT_SECONDS": "0",
        }

    def run(self, format, i, content):
        """Exit code, what is wrong, seconds, and resident bytes at the most."""
        folder = self.scratch / f"{format.name}-{i}"
        folder.mkdir()
        try:
            name = f"given-{i}"
            if format.service:
                given = f"{self.service.url}/{format.name}-{i}"
                self.service.answers[f"{format.name}-{i}"] = content
            else:
                given = folder / format.command.get("file", name)
                given.parent.mkdir(parents=True, exist_ok=True)
                given.write_bytes(content)
            for copied, text in format.command.get("beside", {}).items():
                beside = folder / copied
                beside.parent.mkdir(parents=True, exist_ok=True)
                beside.write_bytes(text.replace(b"{}", str(given).encode()))
            arguments = [self.options.rollproof, *(part.replace("{}", str(given)) for part in format.command["args"])]
            environment = dict(self.environment)
            if format.name.startswith("gitea-"):
                environment |= self.gitea | {"GITEA_HOST": str(given)}
            return self.ended(format, folder, arguments, environment, given)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self.service.answers.pop(f"{format.name}-{i}", None)

    def ended(self, format, folder, arguments, environment, given):
        with open(folder / "out.log", "w+b") as out:
            start = time.monotonic()
            process = subprocess.Popen(
                arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
            end = signal.SIGTERM if format.stop else signal.SIGKILL
            timer = threading.Timer(format.stop or TIME, end_process, (process.pid, end))
            timer.start()
            _, status, used = os.wait4(process.pid, 0)
            timer.cancel()
            code = process.returncode = os.waitstatus_to_exitcode(status)
            seconds, resident = time.monotonic() - start, used.ru_maxrss * 1024
            out.seek(0)
            said = out.read()
        return code, self.problem(format, code, said, seconds, resident, given), seconds, resident

    @staticmethod
    def problem(format, code, said, seconds, resident, given):
        last = said.decode("utf-8", "replace").strip()[-400:]
        if seconds >= TIME and not format.stop:
            return f"it needs more than {TIME} s"
        if code not in format.codes:
            return f"exit {code}: {last}"
        if resident > RESIDENT:
            return f"it needs {resident >> 20} MiB"
        if BUGS.search(said):
            return f"exit {code}: {last}"
        try:
            text = said.decode()
        except UnicodeDecodeError as error:
            return f"it prints no UTF-8: {error}"
        if CONTROL.search(text):
            return f"it prints a control character: {last!r}"
        slow = "the policies need more than" in text
        if code in REFUSALS and format.shown and not slow and (given.name if not format.service else "127.0.0.1") not in text:
            return f"exit {code} names no input: {last}"
        return None


def end_process(pid, signal_number):
    """It may have ended by itself since the timer went off."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)


class Service(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Answer(http.server.BaseHTTPRequestHandler):
    """Whatever is asked below /CASE, its answer is the case's bytes."""

    def answer(self):
        case = self.path.split("/")[1]
        body = self.server.answers.get(case, b"")
        request = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # One of the two kinds of call is answered well, so that the other is heard.
        if case.startswith("plan-call") and b"only_slugs" in request:
            body = rows(json.loads(request)["only_slugs"], "Success")
        elif case.startswith("scoped-call") and b"only_slugs" not in request:
            body = rows(["acme", "bolt"], "DryRun")
        # The list of statuses ends with an empty page.
        page = re.search(r"[?&]page=(\d+)", self.path)
        if page and page[1] != "1":
            body = b"[]"
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def rows(slugs, status):
    proof = {"verified_on_target": True} if status == "Success" else {}
    row = lambda slug: {"slug": slug, "phase": "all", "ssm_status": status} | proof
    return json.dumps({"ok": True, "results": [row(slug) for slug in slugs]}).encode()


@contextlib.contextmanager
def served():
    service = Service(("127.0.0.1", 0), Answer)
    service.answers, service.url = {}, f"http://127.0.0.1:{service.server_port}"
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield service
    service.shutdown()


# The formats.


def all_formats(options, scratch):
    read = lambda pattern, most=40: [path.read_bytes() for path in sorted(FIXTURES.glob(pattern))if path.stat().st_size < 20_000][:most]
    healthy = FIXTURES / "healthy/plain"
    beside = {name: (healthy / name).read_bytes() for name in ("response.json", "fleet.json", "plan.json")}
    responses, plans, fleets = read("*/*/response.json", 300), read("*/*/plan.json", 300), read("*/*/fleet.json", 300)
    documents = written_documents(options, scratch)
    slugs = [b"north\nsouth\neast\nwest\n", b"# a comment\nacme\n\nbolt\n"]
    arrays = [b'["north", "south", "east", "west"]', b'[{"slug": "acme", "labels": {"tier": "gold"}}, "bolt"]']
    waivers = [path.read_bytes() for path in sorted(FIXTURES.glob("*/*/waivers.toml"))]
    policies = [path.read_bytes() for path in sorted((ROOT / "policies").rglob("*.rego")) if "_test" not in path.name]
    own = [path.read_bytes() for path in sorted((ROOT / "policies/examples").rglob("*.rego")) if "_test" not in path.name]
    freeze = {"freeze.rego": (ROOT / "policies/examples/freeze/freeze.rego").read_bytes(), "run.journal": read("examples/freeze/*/run.journal")[0]}
    verify = ["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json"]
    live = json.loads(beside["plan.json"])
    live.update(cp_url="{}", enabled=True)
    live["body"].update(canary_slug="", soak_seconds=0)
    gitea = {
        "enabled": [b'{"name": "X", "data": "false"}', b'{"name": "X", "value": "true"}'],
        "ci": [b'[{"id": 7, "context": "build", "status": "success"}, {"id": 6, "context": "build", "state": "failure"}]'],
        "latest": [b'{"name": "main", "commit": {"id": "' + b"0123abc" * 5 + b'0123b"}}', b'{"commit": {"sha": "fffffff"}}'],
    }
    case = {"about": "x", "params": {}, "collected_at": "2026-11-24T00:00:00Z", "findings": [{"code": "x", "severity": "deny", "tenants": ["acme"]}]}
    run = ["run", "--plan", "plan.json", "--response", "out.json", "--document", "document.json", "--time-scale", "0", "--quiet"]
    at_a_service = lambda name, seeds, args, files={}, codes=CODES: Format(name, seeds, {"args": args, "beside": files}, codes, True, False)
    yield Format("response", responses, {"args": ["verify", "{}", *verify[2:]], "beside": beside})
    yield Format("response-html", responses, {"args": ["verify", "{}", *verify[2:], "--format", "html"], "beside": beside}, shown=False)
    yield Format("packed", [gzip.compress(seed, mtime=0) for seed in responses], {"args": ["verify", "{}", *verify[2:]], "beside": beside})
    yield Format("document", documents, {"args": ["verify", "{}"]})
    yield Format("explained-document", documents, {"args": ["explain", "{}"]})
    yield Format("journal", read("*/*/run.journal"), {"args": ["verify", "{}"]})
    yield Format("plan", plans, {"args": [*verify[:4], "--plan", "{}"], "beside": beside})
    for name, seeds in {"fleet-response": fleets + responses, "fleet-array": arrays, "fleet-lines": slugs}.items():
        yield Format(name, seeds, {"args": [*verify[:2], "--fleet", "{}", "--plan", "plan.json"], "beside": beside})
    yield Format("waivers", waivers, {"args": [*verify, "--waivers", "{}"], "beside": beside})
    yield Format("waivers-json", [as_json(text) for text in waivers], {"args": [*verify, "--waivers", "{}"], "beside": beside})
    yield Format("configuration", CONFIGURATIONS, {"args": [*verify, "--config", "{}"], "beside": beside})
    yield Format("facts", read("examples/*/*/calendar.json"), {"args": ["verify", "run.journal", "--policy", "freeze.rego", "--facts", "freeze={}"], "beside": freeze})
    yield Format("policy", own + policies, {"args": ["policy", "check", "{}"], "file": "given.rego"})
    yield Format("policy-evaluated", own, {"args": [*verify, "--policy", "{}"], "file": "given.rego", "beside": beside})
    gold = [path for path in (FIXTURES / "examples/gold/verified").iterdir() if path.name in EVIDENCE]
    team = {f"cases/one/{path.name}": path.read_bytes() for path in gold}
    team["policy/gold.rego"] = (ROOT / "policies/examples/gold/gold.rego").read_bytes()
    yield Format("case", [json.dumps(case).encode()], {"args": ["policy", "test", "policy", "--fixtures", "cases"], "file": "cases/one/case.json", "beside": team})
    scenarios = [path.read_bytes() for path in sorted((ROOT / "scenarios").glob("*.toml"))]
    yield Format("scenario", scenarios, {"args": ["drill", "serve", "{}"], "file": "given.toml"}, {0, 2, 130, 143, -15}, stop=0.2)
    yield Format("audited", responses + documents, {"args": ["audit", ".", "--until", "2027-01-01"], "file": "2026-07-01.response.json"}, shown=False)
    plan = {"plan.json": json.dumps(live).encode()}
    yield at_a_service("plan-call", [rows(["acme", "bolt"], "DryRun")], run, plan)
    yield at_a_service("scoped-call", [rows(["acme", "bolt"], "Success"), rows(["acme"], "Success")], run, plan)
    yield at_a_service("buildinfo", [b'{"git_sha": "' + b"0123abc" * 5 + b'0123a"}', b"<html>"], ["probe", "document.json", "--document", "out.json", "--quiet", "--probe-url-template", "{}/{slug}", "--probe-timeout", "0.05", "--probe-interval", "0.02"], {"document.json": documents[0]})
    for folder in sorted(path.parent for path in (ROOT / "mappings").glob("*/mapping.toml")):
        samples = [path for path in sorted((folder / "samples").iterdir()) if not path.name.endswith((".plan.json", ".expected.json"))]
        known = {"fleet.txt": b"acme\nbolt\n", "plan.json": (folder / "samples/healthy.plan.json").read_bytes()}
        mapped = [*verify[:1], "{}", "--map", str(folder / "mapping.toml"), "--fleet", "fleet.txt", "--plan", "plan.json"]
        yield Format(f"mapped-{folder.name}", [path.read_bytes() for path in samples], {"args": mapped, "beside": known})
        known["sample"] = next(path for path in samples if path.name.startswith("healthy.")).read_bytes().replace(b"{}", b"{ }")
        yield Format(f"mapping-{folder.name}", [(folder / "mapping.toml").read_bytes()], {"args": ["mapping", "try", "{}", "sample", "--plan", "plan.json"], "file": "given.toml", "beside": known})
    for gate, seeds in gitea.items():
        yield at_a_service(f"gitea-{gate}", seeds, ["preflight", gate, "--quiet"], codes=CODES | {10})


EVIDENCE = ["response.json", "run.journal", "fleet.json", "plan.json"]

CONFIGURATIONS = [
    b'[http]\nretry_delays_seconds = [5.0, 10.0]\nplan_timeout_seconds = 120\n\n[params]\nmax_stragglers = 1\n',
    b'[policies]\npaths = []\n\n[policies.health]\nmode = "report"\nreason = "ticket 1"\n\n[waivers]\nmax_days = 30\n',
    b'[probe]\ndomain = "example.org"\ninterval_seconds = 20\nconcurrency = 8\n\n[plan]\nprefix = "PROD_"\ncanary = "acme"\n',
]


def as_json(waivers):
    import tomllib

    return json.dumps(tomllib.loads(waivers.decode()), default=str, indent=1).encode()


def written_documents(options, scratch):
    """Documents, as `verify` writes them."""
    documents = []
    for case in ("healthy/plain", "coverage/every-state", "calls/live-killed", "calls/live-one-502", "evidence/no-fleet", "build/every-kind"):
        folder = FIXTURES / case
        journal, response = folder / "run.journal", folder / "response.json"
        arguments = [journal] if journal.exists() else [response]
        for name in ("fleet", "plan"):
            if not journal.exists() and (folder / f"{name}.json").exists():
                arguments += [f"--{name}", folder / f"{name}.json"]
        document = scratch / "document.json"
        document.unlink(missing_ok=True)
        subprocess.run([options.rollproof, "verify", *arguments, "--document", document], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if document.exists():
            documents.append(document.read_bytes())
    return documents


if __name__ == "__main__":
    main()
