package examples.region_order_test

import data.examples.region_order

# A rollout in which these tenants of the regions eu and us are proven or not, and whose next call names these.
document(fleet, next) := {
	"rollout": {"dry_run": false, "max_stragglers": 0, "outcome": "running", "next": {"purpose": "batch", "tenants": next}},
	"fleet": {"source": "plan_call", "tenants": 9},
	"calls": [],
	"cohorts": [cohort |
		some region, groups in fleet
		some rows, tenants in {[{"verified_on_target": true}]: groups.proven, []: groups.behind}
		count(tenants) > 0
		cohort := {"planned": true, "labels": {"region": region}, "tenants": tenants, "rows": rows}
	],
	"anomalies": [],
	"provenance": {"inputs": []},
}

begun := {"eu": {"proven": ["acme"], "behind": ["bolt"]}, "us": {"proven": [], "behind": ["cove", "dune"]}}

done := {"eu": {"proven": ["acme", "bolt"], "behind": []}, "us": {"proven": [], "behind": ["cove", "dune"]}}

found(fleet, next) := {finding.message | some finding in region_order.halt with input as document(fleet, next)}

test_other_region_before_first_is_proven_halts if {
	found(begun, ["bolt", "cove"]) == {"the next call names cove, and bolt of eu: not proven yet"}
}

test_first_region_alone_silent if found(begun, ["bolt"]) == set()

test_other_region_after_first_is_proven_silent if found(done, ["cove", "dune"]) == set()

test_nothing_left_to_call_silent if {
	last := json.remove(document(begun, []), ["rollout/next"])
	findings := region_order.halt with input as last
	findings == set()
}

test_first_region_is_a_parameter if {
	messages := found(begun, ["bolt"]) with data.rollproof.params as {"first_region": "us"}
	messages == {"the next call names bolt, and cove, dune of us: not proven yet"}
}

# A fleet of which bolt is in another region than the others, in this order: the cohort of each run and its length.
ordered(runs) := {
	"rollout": {"dry_run": false},
	"fleet": {"source": "plan_call"},
	"cohorts": [
		{"planned": true, "labels": {"region": "eu"}, "tenants": ["acme", "cove"], "rows": []},
		{"planned": true, "labels": {"region": "us"}, "tenants": ["bolt"], "rows": []},
	],
	"order": runs,
}

warned(runs) := {tenant |
	findings := region_order.warn with input as ordered(runs)
	some finding in findings
	some tenant in finding.tenants
}

test_fleet_with_other_region_in_between_warns if warned([[0, 1], [1, 1], [0, 1]]) == {"bolt"}

test_fleet_in_order_of_regions_silent if warned([[0, 2], [1, 1]]) == set()

test_fleet_without_first_region_silent if {
	findings := region_order.warn with input as ordered([[1, 1], [0, 2]])
		with data.rollproof.params as {"first_region": "apac"}
	findings == set()
}
