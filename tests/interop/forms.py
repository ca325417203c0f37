#!/usr/bin/env python3
"""What the real OPA answers to each form of forms.rego is what stands there beside it.

    forms.py [--opa PATH] [--update]

The same file is a unit test of rollproof's own: what it rewrites has these answers too. With --update, the answers are
written. Exits with 1 where one is another.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def split():
    """What is shared, and each rule with its answer."""
    shared, rules = "", []
    for block in (HERE / "forms.rego").read_text(encoding="utf-8").rstrip("\n").split("\n\n"):
        rule, mark, answer = block.partition("#= ")
        if mark:
            rules.append((rule, answer))
        else:
            shared += block + "\n\n"
    return shared, rules


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--opa", default="opa", help="the real OPA")
    options.add_argument("--update", action="store_true", help="write the answers")
    options = options.parse_args()
    shared, rules = split()
    answers = []
    with tempfile.TemporaryDirectory() as scratch:
        # Each in a package of its own, all asked at once; one that is no Rego, or an error, is asked alone.
        def ask(numbers):
            folder = pathlib.Path(scratch) / f"{numbers[0]}-{len(numbers)}"
            folder.mkdir()
            for i in numbers:
                text = (shared + rules[i][0]).replace("package forms", f"package n{i}.forms").replace("data.forms", f"data.n{i}.forms")
                (folder / f"{i}.rego").write_text(text, encoding="utf-8")
            names = {i: re.match(r"\w+", [line for line in rules[i][0].splitlines() if not line.startswith("#")][0])[0] for i in numbers}
            query = "{" + ", ".join(f'"{i}": [v | v := data.n{i}.forms.{names[i]}]' for i in numbers) + "}"
            ran = subprocess.run([options.opa, "eval", "--format", "json", "--strict-builtin-errors", "--data", str(folder), "--input",
                                  str(HERE / "forms.json"), query], capture_output=True, text=True)
            said = json.loads(ran.stdout)
            if "errors" not in said:
                value = said["result"][0]["expressions"][0]["value"]
                return {i: json.dumps(value[str(i)][0]) if value[str(i)] else "null" for i in numbers}
            if len(numbers) == 1:
                return {numbers[0]: '"ERROR"'}
            half = len(numbers) // 2
            return ask(numbers[:half]) | ask(numbers[half:])

        answers = ask(list(range(len(rules))))
    if options.update:
        blocks = [f"{rule}#= {answers[i]}" for i, (rule, _) in enumerate(rules)]
        (HERE / "forms.rego").write_text(shared + "\n\n".join(blocks) + "\n", encoding="utf-8")
        return 0
    differ = [(rule, answer, answers[i]) for i, (rule, answer) in enumerate(rules) if json.loads(answer) != json.loads(answers[i])]
    for rule, answer, said in differ:
        print(f"{rule}  written here: {answer}\n  OPA:          {said}", file=sys.stderr)
    print(f"{len(rules)} forms, {len(differ)} have another answer in OPA")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
