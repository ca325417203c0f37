#!/usr/bin/env python3
"""What `audit --metrics` writes is what Prometheus reads, and the alert rules of docs/audit.md fire when they say.

    metrics.py [--rollproof PATH] [--promtool PATH]

`promtool check metrics` reads the metrics of the sample; `promtool check rules` and `promtool test rules` the rules as they stand in
docs/audit.md. Exits with 1, and what promtool says, where it does not.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = "fixtures/lag/skipped-for-46-hours"

# An hour a sample: behind from the first hour on, for a day and two hours; evidence that is never renewed.
TESTS = """
rule_files: [rules.yml]
evaluation_interval: 1h
tests:
  - interval: 1h
    input_series:
      - series: 'rollproof_tenant_behind_seconds{tenant="cove", group="prod"}'
        values: '0+3600x26'
      - series: 'rollproof_false_greens{group="prod"}'
        values: '0x23 1x40'
      - series: 'rollproof_newest_evidence_timestamp_seconds{group="prod"}'
        values: '0x300'
    alert_rule_test:
      - {eval_time: 24h, alertname: TenantBehind, exp_alerts: []}
      - eval_time: 26h
        alertname: TenantBehind
        exp_alerts:
          - exp_labels: {severity: page, tenant: cove, group: prod}
            exp_annotations: {summary: cove of prod is behind for 1d 2h 0m 0s}
      - {eval_time: 23h, alertname: FalseGreen, exp_alerts: []}
      - eval_time: 25h
        alertname: FalseGreen
        exp_alerts:
          - exp_labels: {severity: page, group: prod}
            exp_annotations: {summary: 1 rollouts of prod were called green and were not}
      - {eval_time: 168h, alertname: NoEvidence, exp_alerts: []}
      - eval_time: 170h
        alertname: NoEvidence
        exp_alerts:
          - exp_labels: {severity: ticket, group: prod}
            exp_annotations: {summary: prod has had no rollout for 7d 2h 0m 0s}
"""


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rollproof", default=str(ROOT / "target/debug/rollproof"), help="the binary")
    options.add_argument("--promtool", default="promtool", help="Prometheus' own tool")
    options = options.parse_args()
    rollproof = os.path.abspath(options.rollproof)
    page = (ROOT / "docs/audit.md").read_text()
    rules = re.findall(r"```yaml\n(groups:.*?)```", page, re.S)
    if len(rules) != 1:
        raise SystemExit("docs/audit.md has no rules")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "rules.yml").write_text(rules[0])
        (scratch / "tests.yml").write_text(TESTS)
        metrics = scratch / "rollproof.prom"
        audit = [rollproof, "audit", SAMPLE, "--until", "2026-07-06T20:00:00Z", "--quiet", "--metrics", str(metrics)]
        subprocess.run(audit, cwd=ROOT, stdout=subprocess.DEVNULL)
        written = metrics.read_text()
        names = set(re.findall(r"^(rollproof_\w+)", written, re.M))
        asked = set(re.findall(r"rollproof_\w+", rules[0]))
        if not asked <= names:
            raise SystemExit(f"the rules ask for metrics that nobody writes: {', '.join(sorted(asked - names))}")
        failed = [
            name
            for name, args, given in [
                ("metrics", ["check", "metrics"], written),
                ("rules", ["check", "rules", "rules.yml"], ""),
                ("tests", ["test", "rules", "tests.yml"], ""),
            ]
            if subprocess.run([options.promtool, *args], cwd=scratch, input=given, text=True, stdout=subprocess.DEVNULL).returncode
        ]
    print(f"{len(names)} metrics read by promtool, {len(asked)} of them in rules; {len(failed)} of 3 checks failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
