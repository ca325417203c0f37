package examples.quarantined_twice_test

import data.examples.quarantined_twice

# A rollout that left these tenants behind.
document(behind) := {
	"rollout": {"dry_run": false, "max_stragglers": 9, "outcome": "completed"},
	"fleet": {"source": "file", "tenants": 9},
	"calls": [],
	"cohorts": [
		{"planned": true, "tenants": ["acme"], "rows": [{"verified_on_target": true}]},
		{"planned": true, "tenants": behind, "rows": []},
	],
	"anomalies": [],
	"provenance": {"inputs": []},
}

previous := {"stragglers": [
	{"tenant": "bolt", "quarantined": true},
	{"tenant": "cove", "quarantined": false},
]}

denied(behind) := findings if {
	findings := quarantined_twice.deny with input as document(behind) with data.previous as previous
}

test_quarantined_again_denied if {
	messages := {finding.message | some finding in denied(["bolt", "dune"])}
	messages == {"the previous rollout was shipped past bolt, and this one is too"}
}

test_another_tenant_silent if denied(["dune"]) == set()

test_straggler_of_a_failed_rollout_silent if denied(["cove"]) == set()
