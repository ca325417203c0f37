package {package}_test

import data.{package}

# A rollout in which acme and bolt are of a tier and have these rows.
document(tier, rows) := {
	"rollout": {"dry_run": false},
	"cohorts": [
		{"planned": true, "labels": {"tier": tier}, "tenants": ["acme", "bolt"], "rows": rows},
		{"planned": true, "labels": {"tier": "free"}, "tenants": ["cove"], "rows": [{"healthz_ok": false}]},
	],
}

params := {"{name}_tier": "gold"}

test_unhealthy_denied if {
	evidence := document("gold", [{"healthz_ok": true}, {"healthz_ok": false}])
	findings := {name}.deny with input as evidence with data.rollproof.params as params
	count(findings) == 1
	some finding in findings
	finding.code == "{name}.unhealthy"
	finding.tenants == ["acme", "bolt"]
}

# Sub-tests: each has a name of its own, and a failure names it.
test_silent[name] if {
	some name, case in {
		"healthy": {"tier": "gold", "rows": [{"healthz_ok": true}]},
		"healthy again": {"tier": "gold", "rows": [{"healthz_ok": false}, {"healthz_ok": true}]},
		"says nothing": {"tier": "gold", "rows": [{}]},
		"no row": {"tier": "gold", "rows": []},
		"another tier": {"tier": "silver", "rows": [{"healthz_ok": false}]},
	}
	evidence := document(case.tier, case.rows)
	findings := {name}.deny with input as evidence with data.rollproof.params as params
	findings == set()
}

test_parameter_names_the_tier if {
	evidence := document("silver", [{"healthz_ok": false}])
	silver := {"{name}_tier": "silver"}
	findings := {name}.deny with input as evidence with data.rollproof.params as silver
	count(findings) == 1
}

test_dry_run_silent if {
	evidence := object.union(document("gold", [{"healthz_ok": false}]), {"rollout": {"dry_run": true}})
	findings := {name}.deny with input as evidence with data.rollproof.params as params
	findings == set()
}
