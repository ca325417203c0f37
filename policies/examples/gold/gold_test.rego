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
	said := gold.deny with input as document(cohorts)
	found := {[finding.code, finding.tenants] | some finding in said}
}

test_verified_and_healthy_is_silent if {
	codes([cohort("gold", "a", [{"verified_on_target": true, "healthz_ok": true}])]) == set()
}

test_other_tiers_are_not_judged if codes([cohort("tin", "a", [])]) == set()

test_a_tenant_without_labels_is_not_judged if {
	codes([{"planned": true, "tenants": ["a"], "rows": []}]) == set()
}

test_assumed_is_not_verified if {
	codes([cohort("gold", "a", [{"ssm_status": "Success", "healthz_ok": true}])]) == {["gold.unverified", ["a"]]}
}

test_unknown_health_is_not_healthy if {
	codes([cohort("gold", "a", [{"verified_on_target": true}])]) == {["gold.unhealthy", ["a"]]}
}

test_unhealthy_is_denied if {
	codes([cohort("gold", "a", [{"verified_on_target": true, "healthz_ok": false}])]) == {["gold.unhealthy", ["a"]]}
}

test_skipped_is_neither if {
	codes([cohort("gold", "a", [])]) == {["gold.unverified", ["a"]], ["gold.unhealthy", ["a"]]}
}

test_silent_in_a_dry_run if {
	dry := object.union(document([cohort("gold", "a", [])]), {"rollout": {"dry_run": true}})
	found := gold.deny with input as dry
	found == set()
}
