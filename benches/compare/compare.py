#!/usr/bin/env python3
"""Time `rollproof verify` against a plain Python script, `opa eval` and `conftest test`, side by side in one run.

Fleets are generated into a temporary folder. In every round each program runs once on the same files, so that a slow moment of the
machine meets all of them; the best time and the largest peak memory of the rounds stand in the table. No time is printed for programs that
do not name the same stragglers. How each program is called stands in `calls`.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
POLICY = os.path.join(HERE, "coverage.rego")
FILES = ("response.json", "fleet.json", "plan.json")
POLICIES = os.path.join(HERE, "policies")
# What makes cohorts, and what a team's own policy reads: how the fleet is made, and what rollproof gets beside it.
KINDS = {
    "equal tenants": ([], []),
    "a label of each tenant's own": (["--labels", "distinct"], ["--labels", "labels.json"]),
    "an error of each tenant's own": (["--distinct-errors"], []),
    "an image of each tenant's own": (["--distinct-images"], []),
    "a policy that reads labels.tier": (["--labels", "tier"], ["--labels", "labels.json", "--policy", os.path.join(POLICIES, "tier.rego")]),
    "a policy that reads row.error, all different": (["--distinct-errors"], ["--policy", os.path.join(POLICIES, "error.rego")]),
    "a policy that imports lib.proof, all errors different": (["--distinct-errors"], ["--policy", os.path.join(POLICIES, "proof.rego")]),
}
# As fast as OPA is enough where the engine has to look at each image; half of its time and memory is what is aimed at elsewhere.
LIMITS = {"an image of each tenant's own": 1.0}
ROUNDS = ((1_000, 15), (100_000, 5), (sys.maxsize, 2))  # up to so many tenants, so many rounds


def calls(options, more=()):
    """Program -> (its command line in the folder of a fleet, the exit code that tells of stragglers). rollproof gets `more`."""
    programs = {
        "reading the files": (["cat", *FILES], 0),
        "rollproof verify": ([options.rollproof, "verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json", "--format", "json", *more], 1),
        "Python": ([sys.executable, os.path.join(HERE, "gate.py"), *FILES], 1),
        "opa eval": ([options.opa, "eval", "--format", "json", "--data", POLICY, "--data", "fleet.json", "--data", "plan.json",
                      "--input", "response.json", "data.compare.stragglers"], 0),
        "conftest test": ([options.conftest, "test", "--output", "json", "--namespace", "compare", "--policy", POLICY,
                           "--data", "fleet.json", "--data", "plan.json", "response.json"], 1),
    }
    return {name: call for name, call in programs.items() if name.split()[0] not in options.skip}


def stragglers(program, path):
    """The tenants that a program's output names."""
    with open(path) as file:
        if program == "Python":
            return [line.rstrip("\n") for line in file]
        output = json.load(file)
    if program == "rollproof verify":
        return [straggler["tenant"] for straggler in output["stragglers"]]
    if program == "opa eval":
        return output["result"][0]["expressions"][0]["value"]
    return [failure["metadata"]["tenant"] for failure in output[0]["failures"]]


def names(program, path):
    """Count and digest of the stragglers, read in a process of its own: a child's peak memory counts what its parent held when it was
    started, so this script must stay small."""
    answer = subprocess.run([sys.executable, __file__, "--names", program, path], check=True, capture_output=True, text=True).stdout.split()
    return int(answer[0]), answer[1]


def print_names(program, path):
    found = sorted(stragglers(program, path))
    print(len(found), hashlib.sha256("\n".join(found).encode()).hexdigest())


def run(command, folder, output, expected):
    """Seconds and peak bytes of one run."""
    errors = output + ".err"
    with open(output if command[0] != "cat" else os.devnull, "wb") as out, open(errors, "wb") as err:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != expected:
        with open(errors, errors="replace") as file:
            sys.exit(f"{' '.join(command)}: exit code {child.returncode}, expected {expected}\n{file.read(2000)}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def generate(tenants, folder, how):
    subprocess.run([sys.executable, os.path.join(HERE, "gen_fleet.py"), str(tenants), folder, *how], check=True)


def measure(programs, tenants, folder, rounds):
    """Program -> (best seconds, peak bytes), once all of them have named the same stragglers."""
    outputs = {name: os.path.join(folder, name.split()[0] + ".out") for name in programs}
    measured = {name: (float("inf"), 0) for name in programs}
    for _ in range(rounds):
        for name, (command, expected) in programs.items():
            seconds, memory = run(command, folder, outputs[name], expected)
            measured[name] = (min(measured[name][0], seconds), max(measured[name][1], memory))
    named = {name: names(name, outputs[name]) for name in programs if name != "reading the files"}
    if len(set(named.values())) > 1:
        listing = "\n".join(f"  {name}: {count} stragglers, digest {digest[:12]}" for name, (count, digest) in named.items())
        sys.exit(f"{tenants} tenants: the programs do not name the same stragglers\n{listing}")
    return measured


def rounds_of(tenants, options):
    return options.rounds or next(rounds for limit, rounds in ROUNDS if tenants <= limit)


def line(tenants, name, seconds, memory, base):
    time_text = f"{seconds * 1000:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"
    ratios = (f"{seconds / base[0]:.3f}", f"{memory / base[1]:.3f}")
    if name == "reading the files":
        return f"| {tenants:,} | {name} | {time_text} | | {ratios[0]} | |"
    return f"| {tenants:,} | {name} | {time_text} | {memory / 1e6:,.1f} MB | {ratios[0]} | {ratios[1]} |"


def aims(results):
    """What was to be reached, and what was: (words, ratio, limit)."""
    wanted = [
        ("equal tenants", 1_000, "opa eval", 0, 0.4, "of opa's time"),
        ("equal tenants", 1_000_000, "Python", 0, 0.15, "of Python's time"),
        ("equal tenants", 1_000_000, "Python", 1, 0.5, "of Python's memory"),
        ("equal tenants", 1_000_000, "opa eval", 0, 1 / 30, "of opa's time"),
    ]
    for kind in KINDS:
        wanted += [(kind, tenants, "opa eval", column, LIMITS.get(kind, 0.5), words) for tenants in (100_000, 1_000_000)
                   for column, words in ((0, "of opa's time"), (1, "of opa's memory"))]
    for kind, tenants, other, column, limit, words in wanted:
        measured = results.get((kind, tenants), {})
        if "rollproof verify" in measured and other in measured:
            ratio = measured["rollproof verify"][column] / measured[other][column]
            yield f"- {kind}, {tenants:,}: {ratio:.3f} {words}, to reach {limit:.3f}: {'reached' if ratio <= limit else 'MISSED'}"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = lambda text: [int(size.replace("_", "")) for size in text.split(",") if size]
    parser.add_argument("--sizes", type=sizes, default=[1_000, 100_000, 1_000_000], metavar="N,N", help="tenants (default: 1000,100000,1000000)")
    parser.add_argument("--kinds", type=sizes, default=range(1, len(KINDS) + 1), metavar="N,N",
                        help="; ".join(f"{i}: {kind}" for i, kind in enumerate(KINDS, 1)) + " (default: all)")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="rounds at every size (default: 15, 5 and 2, the fewer the larger)")
    parser.add_argument("--rollproof", default=os.path.join(ROOT, "target", "dist", "rollproof"), metavar="PATH")
    parser.add_argument("--opa", default="opa", metavar="PATH")
    parser.add_argument("--conftest", default="conftest", metavar="PATH")
    parser.add_argument("--skip", type=lambda text: text.split(","), default=[], metavar="A,B", help="programs to leave out: rollproof, opa, conftest")
    options = parser.parse_args()
    if unknown := set(options.skip) - {"rollproof", "opa", "conftest", ""}:
        parser.error(f"--skip: unknown {', '.join(sorted(unknown))}")
    for name in ("rollproof", "opa", "conftest"):
        if name in options.skip:
            continue
        found = shutil.which(getattr(options, name))
        if not found:
            hint = "cargo build --profile dist" if name == "rollproof" else "see tests/interop/opa"
            parser.error(f"{getattr(options, name)} is not there: --{name} PATH, or --skip {name} ({hint})")
        setattr(options, name, os.path.abspath(found))
    return options


def main():
    if sys.argv[1:2] == ["--names"]:
        return print_names(*sys.argv[2:4])
    options = parse()
    results = {}
    with tempfile.TemporaryDirectory(prefix="rollproof-compare-") as temporary:
        for kind in [kind for i, kind in enumerate(KINDS, 1) if i in options.kinds]:
            how, more = KINDS[kind]
            programs = calls(options, more)
            print(f"\n{kind[0].upper()}{kind[1:]}:\n\n| tenants | program | time | peak memory | time / Python's | memory / Python's |")
            print("|--:|---|--:|--:|--:|--:|")
            for tenants in options.sizes:
                folder = os.path.join(temporary, "fleet")
                generate(tenants, folder, how)
                measured = results[kind, tenants] = measure(programs, tenants, folder, rounds_of(tenants, options))
                for name, (seconds, memory) in measured.items():
                    print(line(tenants, name, seconds, memory, measured["Python"]), flush=True)
                shutil.rmtree(folder)
        floor = run(["true"], temporary, os.path.join(temporary, "true"), 0)[1]
    print(f"\nStarting a process alone is counted in every time. Peak memory below {floor / 1e6:,.0f} MB, this script's own, cannot be told apart.")
    print("\n".join(aims(results)))


if __name__ == "__main__":
    main()
