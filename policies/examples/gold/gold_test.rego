package examples.gold_test

import data.examples.gold

# A rollout of a fleet with one cohort for each argument.
document(cohorts) := {
	"rollout": {"dry_run": false, "max_stragglers": 9, "outcome": "completed"},
	"fleet": {"source": "file", "tenants": 9},
	"calls": [],
	"cohorts": cohorts,
	"anomalies": [],
	"provenance": {"inputs": []},
}

cohort(tier, name, rows) := {"planned": true, "labels": {"tier": tier}, "tenants": [name], "rows": rows}

codes(cohorts) := found if {
	findings := gold.deny with input as document(cohorts)
	found := {[finding.code, finding.tenants] | some finding in findings}
}

test_verified_and_healthy_silent if {
	codes([cohort("gold", "a", [{"verified_on_target": true, "healthz_ok": true}])]) == set()
}

test_other_tier_silent if codes([cohort("tin", "a", [])]) == set()

test_tenant_without_labels_silent if {
	codes([{"planned": true, "tenants": ["a"], "rows": []}]) == set()
}

test_assumed_unverified if {
	codes([cohort("gold", "a", [{"ssm_status": "Success", "healthz_ok": true}])]) == {["gold.unverified", ["a"]]}
}

test_unknown_health_unhealthy if {
	codes([cohort("gold", "a", [{"verified_on_target": true}])]) == {["gold.unhealthy", ["a"]]}
}

test_unhealthy_denied if {
	codes([cohort("gold", "a", [{"verified_on_target": true, "healthz_ok": false}])]) == {["gold.unhealthy", ["a"]]}
}

test_skipped_unverified_and_unhealthy if {
	codes([cohort("gold", "a", [])]) == {["gold.unverified", ["a"]], ["gold.unhealthy", ["a"]]}
}

test_dry_run_silent if {
	dry := object.union(document([cohort("gold", "a", [])]), {"rollout": {"dry_run": true}})
	found := gold.deny with input as dry
	found == set()
}
