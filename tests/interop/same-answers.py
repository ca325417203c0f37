#!/usr/bin/env python3
"""Random rules of the kind that is accepted give the same answers under the real OPA as under rollproof's engine.

    same-answers.py [--rollproof PATH] [--opa PATH] [--rules N] [--seed N]

Rules are made at random over the document of a random rollout, many to a file, with every construct that policies may
use. What `rollproof policy check` refuses is left out, which is what is tested: it refuses all that the two engines
answer differently. The rest is judged by both, through `rollproof verify` and `opa eval`, and each rule's value must be
the same. The seed is printed, and makes the same rules again. Exits with 1, and the rules, where one differs.
"""

import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BATCH = 250
SOUND_ROLLOUTS = 5
LEAST_OF_EACH = 20

CONSTANT = re.compile(r'r\d+ := ("[a-z]*"|\d+|true|false) if .* else ')

HEADER = """package team.random

known_tiers contains t if {
	some c in input.cohorts
	t := c.labels.tier
}

first_tenants contains tenant if {
	some c in input.cohorts
	tenant := c.tenants[0]
}

live(c) := [r | some r in c.rows; lower(object.get(r, "ssm_status", "")) != "dryrun"]

tier(c) := "gold" if {
	c.labels.tier == "gold"
} else := "eu" if {
	c.labels.region == "eu"
} else := "none"

given(c) := t if t := c.labels.tier

default region(_) := "nowhere"

region(c) := r if {
	c.planned
	r := c.labels.region
}

good(r) if r.verified_on_target

good(r) if r.ssm_exit_code == 0

rank(r) := 1 if {
	r.ssm_status == "Success"
} else := 2 if {
	r.verified_on_target
} else := 3

any_gold if {
	some c in input.cohorts
	c.labels.tier == "gold"
}

many_tenants if count(first_tenants) > 2

by_tier[t] := n if {
	some t in known_tiers
	n := count([1 | some c in input.cohorts; c.labels.tier == t])
}

default limit := 5

limit := n if n := input.rollout.batch_size

tag := input.rollout.target_tag

canary := input.rollout.canary

absent := input.rollout.target_sha

by_region[c.labels.region] contains t if {
	some c in input.cohorts
	some t in c.tenants
}

planned[c.labels.tier][t] := c.planned if {
	some c in input.cohorts
	some t in c.tenants
}

image[c.tenants[0]] := c.rows[0].running_image if some c in input.cohorts

status(row) := row.ssm_status

exit_of(row) := row.ssm_exit_code if {
	row.healthz_ok
	row.ssm_exit_code != null
} else := row.ssm_exit_code + 10 if row.ssm_exit_code != null

points := {"gold": 5, "eu": 1, "Success": 2}
"""


class Maker:
    """Makes rules at random; what is in scope is a set of letters: cohort, row, tenant, index."""

    def __init__(self, chance):
        self.chance = chance
        self.names = 0

    def name(self):
        self.names += 1
        return f"v{self.names}"

    def pick(self, *choices):
        return self.chance.choice(choices)

    def string(self, scope):
        choices = ['"gold"', '"eu"', '"Success"', '"a"', "tag", "input.rollout.target_tag", "input.rollout.canary", "input.fleet.source",
                   "input.rollout.outcome", 'object.get(input.rollout, "canary", "nobody")', "input.archive.error"]
        choices += ["canary", "absent", "image.a", "input.rollout.halted_because", '$"{absent}-{canary}"', '$"{limit} {known_tiers} {any_gold}"',
                    'sprintf("%5s|%-7v|%03d", [tag, limit, count(first_tenants)])', "substring(crypto.sha256(tag), 0, 4)", "hex.encode(tag)"]
        if "c" in scope:
            choices += ['$"{c.labels.tier}/{c.labels.region}"', 'sprintf("%v %d", [c.labels, count(c.rows)])', '$"{[c.planned, c.call]}"', "image[c.tenants[0]]"]
        if "r" in scope:
            choices += ["status(r)", 'sprintf("%q %v", [status(r), r.error])', '$"{r}"', '$"{r.ssm_exit_code} {r.healthz_ok}"']
        if "c" in scope:
            choices += ["c.labels.tier", "c.labels.region", "c.tenants[0]", "c.tenants[count(c.tenants) - 1]", "c.rows[0].ssm_status", "tier(c)",
                        "given(c)", "region(c)", 'object.get(c, ["labels", "tier"], "none")', 'object.get(c.labels, "region", "none")']
        if "r" in scope:
            choices += ["r.ssm_status", "r.error", "r.running_image", 'lower(object.get(r, "ssm_status", ""))', 'object.get(r, "error", "")',
                        "type_name(r.healthz_ok)", "type_name(r)"]
        if "t" in scope:
            choices += ["t", "upper(t)", 'concat("-", [t, "x"])', 'sprintf("%s!", [t])', 'substring(t, 0, 1)', 'replace(t, "a", "b")', 'trim_prefix(t, "a")']
        return self.pick(*choices)

    def number(self, scope):
        choices = ["0", "1", "2", "limit", "input.rollout.max_stragglers", "input.rollout.batch_size", "input.fleet.tenants", "count(input.cohorts)",
                   "count(known_tiers)", "(limit + 1) % 3", "sum([1, 2])", "max({1, 2})", "by_tier.gold"]
        choices += ["points[canary]", "count(by_region)", "count(graph.reachable({\"a\": [\"b\"]}, first_tenants))", 'yaml.unmarshal("a: 3").a']
        if "c" in scope:
            choices += ["points[c.labels.tier]", "count(by_region[c.labels.region])"]
        if "r" in scope:
            choices += ["exit_of(r)", "exit_of(r) + 1", "points[status(r)]"]
        if "c" in scope:
            choices += ["count(c.tenants)", "count(c.rows)", "count(live(c))", "c.rows[0].ssm_exit_code", "c.call", "count(c.tenants) * 2 - 1"]
        if "r" in scope:
            choices += ["r.ssm_exit_code", "rank(r)", "count(r)", 'object.get(r, "ssm_exit_code", 9)']
        if "i" in scope:
            choices += ["i", "i + 1", "count(input.cohorts[i].rows)"]
        if "t" in scope:
            choices += ['indexof(t, "a")']
        return self.pick(*choices)

    def fact(self, scope):
        """A boolean that is no literal: OPA 1.22 answers `r contains net.cidr_contains("10.0.0.0/8", "10.1.2.3") if { not true }` with [true]."""
        while (fact := self.boolean(scope)) in ("true", "false"):
            pass
        return fact

    def boolean(self, scope):
        choices = ["true", "false", "input.rollout.dry_run", "input.archive.ok", "any_gold", "many_tenants"]
        choices += ["canary in known_tiers", "absent in known_tiers", "input.rollout.batch_size in [1, 2]", 'net.cidr_contains("10.0.0.0/8", "10.1.2.3")',
                    "any_gold", "input.archive.stragglers"]
        if "c" in scope:
            choices += ["c.labels.tier in known_tiers", 'c.labels.region in {"eu"}', "planned[c.labels.tier][c.tenants[0]]", '"a" in c.tenants']
        if "r" in scope:
            choices += ['r.ssm_status in {"Success", "Failed"}', "status(r) in known_tiers"]
        if "c" in scope:
            choices += ["c.planned", "c.rows[0].verified_on_target", "input.cohorts[0].planned"]
        if "r" in scope:
            choices += ["r.verified_on_target", "r.healthz_ok", "good(r)", "is_null(r.healthz_ok)", "is_string(r.error)"]
        if "t" in scope:
            choices += ['startswith(t, "a")', 'endswith(t, "c")', 'contains(t, "b")', 'regex.match("^[ab]", t)', 'glob.match("a*", [], t)']
        if "i" in scope:
            choices += ["input.cohorts[i].planned"]
        return self.pick(*choices)

    def scalar(self, scope):
        return self.pick(self.string, self.number, self.boolean)(scope)

    def strings(self, scope):
        choices = ['["gold", "eu"]', '{"gold", "Success", "a"}', "[]", "set()", "known_tiers", "first_tenants", '{"k": "gold", "j": "eu"}', "object.keys(by_tier)",
                   "{u | some d in input.cohorts; some u in d.tenants}", "[d.labels.tier | some d in input.cohorts]", "known_tiers | first_tenants",
                   'known_tiers - {"gold"}', "known_tiers & first_tenants", 'split("a,b", ",")', "sort(first_tenants)"]
        if "c" in scope:
            choices += ["c.tenants", "c.labels", "[u | some s in c.rows; u := s.ssm_status]", "{s.ssm_status | some s in c.rows}", "array.slice(c.tenants, 0, 1)",
                        "array.concat(c.tenants, [\"a\"])"]
        return self.pick(*choices)

    def numbers(self, scope):
        choices = ["[0, 1]", "{1, 2}", "numbers.range(0, 3)", "by_tier", "[count(d.rows) | some d in input.cohorts]", "{j: count(d.rows) | some j, d in input.cohorts}"]
        if "c" in scope:
            choices += ["[rank(s) | some s in live(c)]", "{n | some s in c.rows; n := s.ssm_exit_code}"]
        return self.pick(*choices)

    def reference(self, scope):
        choices = ["input.rollout.dry_run", "input.rollout.canary", "input.archive.ok", "input.gates", "input.rollout.started_at", "any_gold", "many_tenants", "tag"]
        if "c" in scope:
            choices += ["c.planned", "c.labels.tier", "c.labels.region", "c.call", "c.rows[0].verified_on_target", "c.labels"]
        if "r" in scope:
            choices += ["r.ssm_status", "r.verified_on_target", "r.healthz_ok", "r.error", "r.ssm_exit_code"]
        return self.pick(*choices)

    def comparison(self, scope):
        kind = self.pick(self.string, self.number, self.boolean)
        return f"{kind(scope)} {self.pick('==', '!=', '==', '<', '>=')} {kind(scope)}"

    def lowered(self, scope, depth):
        """A condition of a form that is rewritten."""
        a, b = self.name(), self.name()
        # What OPA knows to be of other kinds, it refuses to compare.
        kind = self.pick(self.string, self.number, self.boolean)
        choices = [
            lambda: f"not {self.number(scope)} {self.pick('>', '<=', '!=')} {self.number(scope)}",
            lambda: f"not {self.string(scope)} {self.pick('==', '!=')} lower({self.string(scope)})".replace("r.error", "r.running_image"),
            lambda: f"not [{kind(scope)}, {self.string(scope)}] == [{kind(scope)}, {self.string(scope)}]",
            lambda: f"not {{\"k\": {kind(scope)}}} == {{\"k\": {kind(scope)}}}",
            # OPA loses what is bound around a template string that stands in brackets.
            lambda: f"not points[{self.string(scope)}]{self.pick('', ' == 5', ' > 1')}" .replace('$"', '"'),
            lambda: f"not ({self.boolean(scope)}) == {self.boolean(scope)}",
            lambda: f"not is_string({self.scalar(scope)})",
            lambda: f"not count({self.strings(scope)}) {self.pick('==', '>')} {self.number(scope)}",
            lambda: f"{a} := {self.boolean(scope)}; {a} == {self.boolean(scope)}",
            lambda: f"some {a}; input.cohorts[{a}].planned == {self.boolean(scope)}",
            lambda: f"input.cohorts[{a}].rows[{b}].ssm_status == {self.string(scope)}; {a} {self.pick('==', '<', '!=')} {b}",
            lambda: f"points[{a}] {self.pick('==', '>')} {self.number(scope)}; {a} != {self.string(scope)}",
            lambda: f"some {a} in input.cohorts[_].tenants; {a} == {self.string(scope)}",
            lambda: f"walk(input.rollout, [{a}, {b}]); {b} == {self.scalar(scope)}; count({a}) > 0",
            lambda: f"walk(input.cohorts, [_, {a}]); {a} == {self.scalar(scope)}",
            lambda: f"[{a}, {b}] := walk(input.fleet); {b} != {self.scalar(scope)}; {a} != []",
            lambda: f"[{a}, {b}] = [{self.scalar(scope)}, {self.number(scope)}]; {a} != {b}",
            lambda: f"many_tenants with input.cohorts as []{self.pick('', ' with input.rollout as {}')}",
            lambda: f"not any_gold with input.cohorts as [{{\"labels\": {{\"tier\": {self.pick('tag', chr(34) + 'gold' + chr(34))}}}}}]",
            lambda: f"{a} := count(known_tiers) with input.rollout as {{}}; {a} >= {self.number(scope)}",
            lambda: f"{a} := tag with input.rollout.target_tag as \"other\"; {a} != {self.string(scope)}",
            lambda: f"not startswith(tag, \"x\") with input.rollout.target_tag as {self.pick(chr(34) + 'xy' + chr(34), chr(34) + 'zy' + chr(34))}",
            lambda: f"{a} := limit with limit as 7; {a} > {self.number(scope)}",
            lambda: f"some {a}, {b} in planned; count({b}) > {self.number(scope)}; {a} != {self.string(scope)}",
            lambda: f"some {a}, {b} in by_region; {self.string(scope)} in {b}; {a} != \"us\"",
            lambda: f"by_region[{a}][{b}]; {a} != {b}",
            lambda: f"not {self.fact(scope)}" if depth else f"every {a} in [{self.number(scope)}] {{ not {a} > {self.number(scope)} }}",
            lambda: f"{a} := json.patch(input.fleet, [{{\"op\": \"add\", \"path\": \"/n\", \"value\": {self.scalar(scope)}}}]); {a}.n != {self.scalar(scope)}",
            lambda: f"{a} := {self.string(scope)} in {self.strings(scope)}; {a} == {self.pick('true', 'false')}",
        ]
        return self.pick(*choices)()

    def condition(self, scope, depth):
        if self.chance.random() < 0.4:
            return self.lowered(scope, depth)
        x = self.chance.random()
        if x < 0.24:
            return self.comparison(scope)
        if x < 0.32:
            kind = self.pick(self.string, self.number, self.boolean)
            return f"not {kind(scope)} {self.pick('==', '==', '!=', '<')} {kind(scope)}"
        if x < 0.40:
            return f"not {self.pick(self.reference, self.fact)(scope)}"
        if x < 0.45:
            return self.boolean(scope)
        if x < 0.55:
            one, many = self.pick((self.string, self.strings), (self.number, self.numbers))
            return f"{self.pick('', '', 'not ')}{one(scope)} in {many(scope)}"
        if x < 0.62 and depth < 2 and "r" not in scope:
            rows = self.pick("c.rows", "live(c)") if "c" in scope else self.pick("input.cohorts[0].rows", "[]")
            return f"every r in {rows} {{ {self.condition(scope | {'r'}, depth + 1)} }}"
        if x < 0.70 and depth < 2:
            form = self.pick("[1 | {}]", "{{1 | {}}}", '{{"k": 1 | {}}}')
            return f"count({form.format(self.body(set(scope), depth + 1))}) {self.pick('==', '>', '<')} {self.pick('0', '1', '2')}"
        if x < 0.76:
            name = self.name()
            kind = self.pick(self.string, self.number)
            return f"{name} := {kind(scope)}; {name} {self.pick('==', '!=')} {kind(scope)}"
        if x < 0.80:
            # Text that may be null would be an error, earlier in one engine than in the other.
            text = self.string(scope).replace("r.error", "r.running_image")
            return f"{self.pick('', 'not ')}startswith({text}, \"g\")"
        if x < 0.84:
            name = self.name()
            return f"some {name} in {self.strings(scope)}; {name} == {self.string(scope)}"
        if x < 0.88:
            key, value = self.name(), self.name()
            return f"some {key}, {value} in {self.numbers(scope)}; {value} > {key}" if self.chance.random() < 0.5 else \
                f"some {key}, {value} in by_tier; {key} == {value}; {value} > 1"
        if x < 0.91:
            one, other = self.name(), self.name()
            return f"[{one}, {other}] := [{self.scalar(scope)}, {self.number(scope)}]; {one} != {other}"
        if x < 0.98:
            name = self.name()
            return f"{name} := {{\"a\": {self.scalar(scope)}, \"b\": [{self.scalar(scope)}]}}; count({name}) == 2"
        return f"object.get(by_tier, {self.string(scope)}, 0) >= {self.number(scope)}"

    def body(self, scope, depth=0):
        conditions = []
        if "c" not in scope and self.chance.random() < 0.75:
            conditions.append(self.pick("some c in input.cohorts", "some i, c in input.cohorts", "c := input.cohorts[_]", "c := input.cohorts[0]"))
            scope |= {"c", "i"} if "some i" in conditions[-1] else {"c"}
        if "c" in scope and "r" not in scope and self.chance.random() < 0.45:
            conditions.append(self.pick("some r in c.rows", "r := c.rows[_]", "some r in live(c)", "some _, r in c.rows"))
            scope.add("r")
        if "c" in scope and "t" not in scope and self.chance.random() < 0.45:
            conditions.append(self.pick("some t in c.tenants", "t := c.tenants[_]"))
            scope.add("t")
        conditions += [self.condition(scope, depth) for _ in range(self.chance.choice([1, 1, 2, 3]))]
        if depth == 0 or self.chance.random() < 0.3:
            # What is declared is used, so that the rule is not refused for that.
            conditions += [f"{self.pick(*uses)}" for name, uses in USES.items() if name in scope and self.declared(conditions, name)]
        return "; ".join(conditions)

    def lowered_head(self, name, body, scope):
        """A rule with a head that is rewritten."""
        one, other, third = self.scalar(scope), self.string(scope), self.number(scope)
        return self.pick(
            f"{name} contains {one} if {{ {body} }}",
            f"{name} contains [{one}, {third}] if {{ {body} }}",
            f"{name} contains {{\"a\": {one}, \"b\": {other}}} if {{ {body} }}",
            f"{name}[{other}] := 1 if {{ {body} }}",
            f"{name}[{other}] contains {one} if {{ {body} }}",
            f"{name}[{other}][{third}] := 1 if {{ {body} }}",
            f"{name}[{third}].x[{other}] contains {one} if {{ {body} }}",
            f"{name} := {self.scalar(set())}",
            f"{name} := {self.scalar(set())} if {{ {body} }} else := {self.scalar(set())}",
            f"{name} := {self.scalar(set())} if {{ {self.condition(set(), 1)} }} else := {self.scalar(set())} if {self.boolean(set())} else := {self.scalar(set())}",
            f"{name} contains $\"{{{one}}} and {{{third}}}\" if {{ {body} }}",
        )

    @staticmethod
    def declared(conditions, name):
        return not any(re.search(rf"(?<![\w.\"]){name}(?![\w\"])", condition) for condition in conditions[1:])

    def rule(self, number):
        scope = set()
        body = self.body(scope)
        name, made = f"r{number}", self.name()
        x = self.chance.random()
        if self.chance.random() < 0.4:
            return self.lowered_head(name, body, scope)
        if x < 0.45:
            return f"{name} contains {made} if {{ {body}; {made} := {self.scalar(scope)} }}"
        if x < 0.55:
            literal = self.pick('"k"', "1", *(["t"] if "t" in scope else []), *(["i"] if "i" in scope else []))
            return f"{name} contains {literal} if {{ {body} }}"
        if x < 0.70:
            return f"{name} if {{ {body} }}"
        if x < 0.80:
            return f"{name} := [{made} | {body}; {made} := {self.scalar(scope)}]"
        if x < 0.87:
            return f"{name} := \"yes\" if {{ {body} }} else := \"no\" if {{ {self.condition(set(), 1)} }} else := {self.pick('1', 'null', '[]')}"
        if x < 0.93:
            return f"{name} := {{{made}: 1 | {body}; {made} := {self.string(scope)}}}"
        other = self.name()
        return f"{name} contains [{made}, {other}] if {{ {body}; {made} := {self.scalar(scope)}; {other} := {self.number(scope)} }}"


USES = {
    "c": ["count(c.tenants) >= 0"],
    "r": ["count(r) >= 0"],
    "t": ['t != ""'],
    "i": ["i >= 0"],
}


def rollout(chance):
    """A response, a fleet with labels and a plan, at random."""
    slugs = chance.sample(["a", "ab", "abc", "b", "bc", "c", "cab", "d", "gold", "eu"], chance.randint(3, 9))
    fleet = []
    for slug in slugs:
        labels = {}
        if chance.random() < 0.6:
            labels["tier"] = chance.choice(["gold", "tin", ""])
        if chance.random() < 0.4:
            labels["region"] = chance.choice(["eu", "us"])
        fleet.append({"slug": slug, "labels": labels})
    rows = []
    for slug in slugs + chance.sample(slugs, 2):
        row = {"slug": slug}
        for key, chances, values in [
            ("ssm_status", 0.8, ["Success", "Failed", "DryRun", "dryrun", ""]),
            ("verified_on_target", 0.7, [True, False, None]),
            ("ssm_exit_code", 0.5, [0, 1, 2, -1, None]),
            ("healthz_ok", 0.5, [True, False, None]),
            ("error", 0.3, ["x", "", None]),
            ("running_image", 0.3, ["img:staging-1", "img"]),
        ]:
            if chance.random() < chances:
                row[key] = chance.choice(values)
        if chance.random() < 0.9:
            rows.append(row)
    body = {"target_tag": "staging-1", "dry_run": False, "max_stragglers": chance.choice([0, 1, 2])}
    if chance.random() < 0.7:
        body["canary_slug"] = slugs[0]
    if chance.random() < 0.5:
        body["batch_size"] = chance.choice([1, 3])
    return {
        "response.json": {"ok": chance.choice([True, False]), "results": rows},
        "fleet.json": fleet,
        "plan.json": {"enabled": True, "sha": "abc", "body": body},
    }


class Engines:
    def __init__(self, options, scratch, chance):
        self.options, self.scratch = options, scratch
        for name, content in rollout(chance).items():
            (scratch / name).write_text(json.dumps(content), encoding="utf-8")
        self.judged = self.verify("--document", "document.json")
        document = json.loads((scratch / "document.json").read_text(encoding="utf-8"))
        document.pop("phases", None)
        document.pop("order", None)
        for cohort in document["cohorts"]:
            cohort.pop("origins", None)
        (scratch / "input.json").write_text(json.dumps(document), encoding="utf-8")

    def run(self, *command):
        return subprocess.run(command, cwd=self.scratch, capture_output=True, text=True, encoding="utf-8")

    def verify(self, *more):
        base = ["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json", "--format", "json"]
        return self.run(self.options.rollproof, *base, *more)

    def write(self, rules):
        text = HEADER + "\n" + "\n".join(rules.values()) + "\n"
        for name in rules:
            text += f'\nnote contains {{"code": "random.x", "message": "{name}", "observed": [v]}} if v := {name}\n'
        (self.scratch / "random.rego").write_text(text, encoding="utf-8")

    def accepted(self, rules):
        """The rules that `policy check` does not refuse."""
        begin = HEADER.count("\n") + 2
        while rules:
            self.write(rules)
            checked = self.run(self.options.rollproof, "policy", "check", "random.rego")
            if checked.returncode == 0:
                return rules
            if checked.returncode != 5:
                raise SystemExit(f"policy check: exit {checked.returncode}: {checked.stderr}")
            names = list(rules)
            lines = {int(line) for line in re.findall(r"random\.rego:(\d+):", checked.stderr)}
            refused = {names[line - begin] for line in lines if 0 <= line - begin < len(names)}
            if not refused:
                raise SystemExit(f"the rules' frame is refused: {checked.stderr}")
            rules = {name: rule for name, rule in rules.items() if name not in refused}
        return rules

    def ours(self, rules):
        """Values by rule, or none where the evaluation is an error."""
        self.write(rules)
        ran = self.verify("--policy", "random.rego")
        if ran.returncode == 5:
            return None
        found = [one for one in json.loads(ran.stdout)["findings"] if one["policy"] == "team.random"]
        return {one["message"]: one["observed"][0] for one in found}

    def theirs(self, rules, strict=("--strict-builtin-errors",)):
        self.write(rules)
        ran = self.run(self.options.opa, "eval", "--format", "json", *strict, "--data", "random.rego",
                       "--input", "input.json", "data.team.random.note")
        said = json.loads(ran.stdout)
        if "errors" in said:
            return None
        return {one["message"]: one["observed"][0] for one in said["result"][0]["expressions"][0]["value"]}

    def compare(self, rules):
        """The rules that differ, with both values, and how many were compared. What is an error in both is equal."""
        ours, theirs = self.ours(rules), self.theirs(rules)
        if ours is not None and theirs is not None:
            differ = [(rules[name], ours.get(name, "undefined"), theirs.get(name, "undefined")) for name in rules
                      if normal(rules[name], ours.get(name, "undefined")) != normal(rules[name], theirs.get(name, "undefined"))]
            said = sum(1 for value in theirs.values() if value not in ([], False))
            return differ, said
        if len(rules) == 1:
            (rule,) = rules.values()
            both = ours is None and theirs is None
            # Once a constant is known, the embedded engine looks at no further binding; OPA does where an `else` follows,
            # and errs there. What it says when errors are undefined is then the same.
            if ours is not None and theirs is None and CONSTANT.match(rule):
                both = ours == self.theirs(rules, strict=())
            return ([] if both else [(rule, "error" if ours is None else ours, "error" if theirs is None else theirs)]), 0
        names = list(rules)
        halves = [names[: len(names) // 2], names[len(names) // 2 :]]
        compared = [self.compare({name: rules[name] for name in half}) for half in halves]
        return [one for differ, _ in compared for one in differ], sum(said for _, said in compared)


def normal(rule, value):
    """A set has no order; everything else has."""
    if " contains " in rule:
        return json.dumps(unordered(value), sort_keys=True)
    return json.dumps(value, sort_keys=True)


def unordered(value):
    """Where sets lie at the top or below keys."""
    if isinstance(value, dict):
        return {key: unordered(below) for key, below in value.items()}
    return sorted(json.dumps(one, sort_keys=True) for one in value) if isinstance(value, list) else value


def sound(options, chance):
    """The policies of sound.txt, from a bundle in OPA: those that differ, how many there are, and how many speak."""
    cases = (HERE / "sound.txt").read_text(encoding="utf-8").split("\n=== ")[1:]
    said, differ = set(), []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "policies"
        folder.mkdir()
        names = {}
        for number, case in enumerate(cases):
            name, text = case.split("\n", 1)
            package = f"team.sound{number}"
            names[package] = name
            found = re.search(r"^package (\S+)$", text, re.MULTILINE)
            text = text.replace(f"package {found[1]}\n", f"package {package}\n") if found else f"package {package}\n\n{text}"
            text = re.sub(r"#   needs: .*\n", "", text)
            text = re.sub(r'"team\.(\w+)"', rf'"{package}.\1"', text)
            (folder / f"{number}.rego").write_text(re.sub(r"team\.(typo|region)\b", package, text), encoding="utf-8")
        facts = [option for fact in ("freeze", "tiers") for option in ("--facts", f"{fact}={fact}.json")]
        for _ in range(SOUND_ROLLOUTS):
            engines = Engines(options, pathlib.Path(scratch), chance)
            (engines.scratch / "freeze.json").write_text('{"windows": []}')
            (engines.scratch / "tiers.json").write_text('{"gold": 1}')
            ours = engines.verify("--policy", "policies", "--policy-timeout", "60", *facts)
            if ours.returncode == 5:
                raise SystemExit(f"sound.txt: {ours.stderr}")
            own = {package: set() for package in names}
            for one in json.loads(ours.stdout)["findings"]:
                own.get(one["policy"], set()).add((one["severity"], one["message"]))
            query = "{" + ", ".join(f'"{package}": data.{package}' for package in names) + "}"
            data = {"facts": {"freeze": {"windows": []}, "tiers": {"gold": 1}}, "rollproof": {"params": {"region_limit": 5}}}
            (engines.scratch / "data.json").write_text(json.dumps(data))
            ran = engines.run(options.opa, "eval", "--format", "json", "--strict-builtin-errors", "--data", str(HERE.parents[1] / "policies"), "--data", "policies",
                              "--data", "data.json", "--input", "input.json", query)
            answer = json.loads(ran.stdout)
            if "errors" in answer:
                raise SystemExit(f"sound.txt: {answer['errors'][:3]}")
            answer = answer["result"][0]["expressions"][0]["value"]
            for package, name in names.items():
                theirs = {(rule, one if isinstance(one, str) else one["message"]) for rule in ("deny", "warn", "inconclusive", "note")
                          for one in answer[package].get(rule, [])}
                said |= {package} if theirs else set()
                if theirs != own[package]:
                    differ.append((name, sorted(own[package] - theirs), sorted(theirs - own[package])))
    silent = [name for package, name in names.items() if package not in said]
    print(f"{len(names)} policies of sound.txt on {SOUND_ROLLOUTS} rollouts, {len(differ)} differ; silent on all: {', '.join(silent) or 'none'}")
    return differ


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parents[2]
    options.add_argument("--rollproof", default=str(root / "target/debug/rollproof"), help="the binary")
    options.add_argument("--opa", default="opa", help="the real OPA")
    options.add_argument("--rules", type=int, default=5000, help="how many accepted rules are compared")
    options.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="makes the same rules again")
    options = options.parse_args()
    options.rollproof = os.path.abspath(options.rollproof)
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    maker = Maker(chance)
    compared, spoke, made, differ = 0, 0, 0, sound(options, random.Random(options.seed))
    while compared < options.rules:
        with tempfile.TemporaryDirectory() as scratch:
            engines = Engines(options, pathlib.Path(scratch), chance)
            rules = {f"r{made + i}": maker.rule(made + i) for i in range(BATCH)}
            made += len(rules)
            rules = engines.accepted({name: rule for name, rule in rules.items() if len(rule) < 1000})
            found, said = engines.compare(rules)
            compared, spoke, differ = compared + len(rules), spoke + said, differ + found
    for rule, ours, theirs in differ:
        print(f"{rule}\n  rollproof: {json.dumps(ours)}\n  OPA:       {json.dumps(theirs)}", file=sys.stderr)
    print(f"{compared} of {made} rules accepted and compared, {spoke} of them with a value, {len(differ)} differ")
    if spoke * 4 < compared:
        print("too few rules have a value for the comparison to mean much", file=sys.stderr)
        return 1
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
