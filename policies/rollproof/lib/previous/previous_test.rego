package rollproof.lib.previous_test

import data.rollproof.lib.previous

assumed := {"planned": true, "tenants": ["acme", "bolt"], "rows": [{"ssm_status": "Success"}]}

verified := {"planned": true, "tenants": ["cove"], "rows": [{"verified_on_target": true}]}

# A rollout with these calls, as it is while it is driven.
driven(calls) := {
	"rollout": {"dry_run": false, "max_stragglers": 0, "outcome": "running", "control_plane": "https://cp"},
	"fleet": {"source": "plan_call", "tenants": 3},
	"calls": calls,
	"cohorts": [assumed, verified],
}

ended := object.union(driven([]), {"rollout": {"outcome": "completed"}})

# A report of the previous rollout, with names or without.
report := {"summary": {"fleet": 5, "states": {"verified": 5}}, "stragglers": [{"tenant": "dune"}, {"tenant": "acme"}]}

document(names) := {
	"summary": {"fleet": count(names), "states": {"verified": 1}},
	"stragglers": [],
	"rollout": {"control_plane": "https://cp", "tenants": names},
}

found(before, doc) := tenants if {
	tenants := previous.vanished with input as doc with data.previous as before
}

test_no_previous_nothing_compared if {
	previous.vanished == set() with input as ended
	previous.missing == 0 with input as ended
	previous.proof_lost == set() with input as ended
}

test_tenants_of_a_document_vanished if {
	found(document(["acme", "bolt", "cove"]), ended) == set()
	found(document(["acme", "dune", "eden"]), ended) == {"dune", "eden"}
}

test_retired_tenants_do_not_vanish if {
	before := document(["acme", "dune", "eden"])
	vanished := previous.vanished with input as ended
		with data.previous as before
		with data.rollproof.given.retired as ["dune", "fjord"]
	vanished == {"eden"}
}

test_report_names_stragglers_and_counts_the_rest if {
	found(report, ended) == {"dune"}
	previous.missing == 2 with input as ended with data.previous as report
	previous.missing == 0 with input as ended with data.previous as document(["a", "b", "c", "d", "e"])
}

test_fleet_is_compared_before_any_tenant_is_called if {
	before := document(["dune"])
	found(before, driven([{"purpose": "plan"}])) == {"dune"}
	found(before, driven([{"purpose": "plan"}, {"purpose": "canary"}])) == set()
	found(before, object.union(driven([]), {"fleet": {"source": "none"}})) == set()
}

test_proof_lost_where_rows_had_it_before if {
	previous.proof_lost == {0} with input as ended with data.previous as report
	never := object.union(report, {"summary": {"states": {"verified": 0, "assumed": 5}}})
	previous.proof_lost == set() with input as ended with data.previous as never
}

test_other_control_plane_lost_no_proof if {
	before := object.union(document([]), {"rollout": {"control_plane": "https://other"}})
	previous.proof_lost == set() with input as ended with data.previous as before
	previous.proof_lost == {0} with input as ended with data.previous as document([])
}
