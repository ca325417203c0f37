package rollproof.lib.fleet_test

import data.rollproof.lib.fleet

verified := {"planned": true, "tenants": ["acme", "bolt"], "rows": [{"verified_on_target": true}]}

uncalled := {"planned": true, "tenants": ["cove"], "rows": []}

skipped := {"planned": true, "tenants": ["dune"], "rows": [], "call": 0}

call := {"tenants": ["acme", "bolt", "dune"], "ok": true, "attempts": [{"status": 200, "last": true}]}

document(outcome, cohorts) := {
	"rollout": {"dry_run": false, "max_stragglers": 1, "outcome": outcome},
	"fleet": {"source": "plan_call"},
	"calls": [call],
	"cohorts": cohorts,
}

test_uncalled_tenants_are_no_stragglers_while_running if {
	fleet.stragglers == ["dune"] with input as document("running", [verified, uncalled, skipped])
	fleet.stragglers == ["cove", "dune"] with input as document("halted", [verified, uncalled, skipped])
}

test_never_called_exceeds_any_tolerance if {
	fleet.tolerance_exceeded with input as document("halted", [verified, uncalled])
	not fleet.tolerance_exceeded with input as document("halted", [verified, skipped])
}

test_nobody_is_proven_only_after_the_end if {
	fleet.nobody_is_proven with input as document("completed", [skipped])
	not fleet.nobody_is_proven with input as document("running", [skipped])
	not fleet.nobody_is_proven with input as document("completed", [verified, skipped])
}

test_dry_run_asserts_nothing if {
	dry := object.union(document("completed", [verified, skipped]), {"rollout": {"dry_run": true}})
	fleet.asserted == set() with input as dry
}

test_fleet_not_enumerated_asserts_nothing if {
	not_enumerated := object.union(document("completed", [verified]), {"fleet": {"source": "none"}})
	fleet.asserted == set() with input as not_enumerated
}

test_sizes_and_tenants_of_cohorts if {
	fleet.size({0, 1}) == 3 with input as document("completed", [verified, skipped])
	fleet.tenants({0, 1}) == ["acme", "bolt", "dune"] with input as document("completed", [verified, skipped])
}

test_target_is_the_plans if {
	target := fleet.target with input as {"rollout": {"target_tag": "staging-new"}}
	target == "staging-new"
}

test_target_without_plan if {
	target := fleet.target with input as {"rollout": {}}
	target == "the target"
}

cohort(tenants) := {"planned": true, "tenants": tenants, "rows": []}

test_order_is_that_of_the_runs_across_cohorts if {
	cohorts := [cohort(["acme", "cove", "dune"]), cohort(["bolt", "ember"])]
	runs := [[0, 1], [1, 1], [0, 2], [1, 1]]
	ordered := object.union(document("completed", cohorts), {"order": runs})
	fleet.in_order(ordered) == ["acme", "bolt", "cove", "dune", "ember"]
	fleet.in_order(document("completed", cohorts)) == ["acme", "cove", "dune", "bolt", "ember"]
}

test_tenants_that_are_not_enumerated_have_no_order if {
	stranger := object.union(cohort(["zoo"]), {"planned": false})
	fleet.in_order(document("completed", [cohort(["acme"]), stranger])) == ["acme"]
}

test_phases_are_those_of_the_document if {
	fleet.phases(document("completed", [])) == {}
	named := object.union(document("completed", []), {"phases": {"canary": ["acme"]}})
	fleet.phases(named) == {"canary": ["acme"]}
}
