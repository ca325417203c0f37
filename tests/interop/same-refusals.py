#!/usr/bin/env python3
"""Whatever the real OPA refuses of a long list of mistakes, `rollproof policy check` refuses too, and more.

    same-refusals.py [--rollproof PATH] [--opa PATH]

Each case of typos.txt is checked by both: by `opa check --strict` with the schemas and the bundled policies beside it,
and by rollproof, which must refuse every one. Which of them OPA refuses stands in the list, and has to be so: what
only rollproof refuses is printed by name. The sound policies of sound.txt must pass both.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = '# METADATA\n# title: Typo\n# schemas:\n#   - input: schema["document.schema"]\npackage team.typo\n\n'
AT_LEAST = 120


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--opa", default="opa", help="the real OPA")
    options = options.parse_args()
    options.rollproof = os.path.abspath(options.rollproof)

    typos, sound = cases("typos.txt"), cases("sound.txt")
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        ask = lambda case: refused(options, pathlib.Path(scratch), *case)
        typos_said, sound_said = list(pool.map(ask, typos)), list(pool.map(ask, sound))

    wrong, only_ours = [], []
    for (name, expected, _), (ours, theirs) in zip(typos, typos_said):
        if not ours:
            wrong.append(f"{name}: rollproof lets it pass")
        if theirs != (expected == "opa"):
            wrong.append(f"{name}: OPA {'refuses it' if theirs else 'lets it pass'}, and the list says {expected}")
        if ours and not theirs:
            only_ours.append(name)
    for (name, _, _), (ours, theirs) in zip(sound, sound_said):
        wrong += [f"{name}: {who} refuses it" for who, said in [("rollproof", ours), ("OPA", theirs)] if said]

    print(f"{len(typos)} mistakes: OPA refuses {len(typos) - len(only_ours)}, rollproof all; {len(sound)} sound policies")
    print("Only rollproof refuses:", ", ".join(only_ours))
    for line in wrong:
        print(line, file=sys.stderr)
    if len(typos) < AT_LEAST:
        print(f"at least {AT_LEAST} cases were expected", file=sys.stderr)
    return 1 if wrong or len(typos) < AT_LEAST else 0


def cases(file):
    """Name, who refuses it, and text of each case of a list."""
    found = []
    for case in (pathlib.Path(__file__).parent / file).read_text(encoding="utf-8").split("\n=== ")[1:]:
        head, body = case.split("\n", 1)
        name, _, who = head.partition(" ")
        own = any(line.split(" ")[0] == "package" for line in body.splitlines())
        found.append((name, who, body if own else HEADER + body))
    return found


def refused(options, scratch, name, _, text):
    """Whether rollproof and OPA refuse a policy; exits of any other kind are errors."""
    path = scratch / f"{name}.rego"
    path.write_text(text, encoding="utf-8")
    ours = subprocess.run([options.rollproof, "policy", "check", str(path)], capture_output=True, text=True, encoding="utf-8")
    if ours.returncode not in (0, 5):
        raise ValueError(f"{name}: exit {ours.returncode}: {ours.stderr}")
    command = [options.opa, "check", "--strict", "--schema", str(ROOT / "schemas"), str(ROOT / "policies"), str(path)]
    theirs = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if os.environ.get("SHOW"):
        print(name, theirs.stderr)
    return ours.returncode == 5, theirs.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
