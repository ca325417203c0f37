package rollproof.canary_test

import data.rollproof.canary

rest := {"planned": true, "tenants": ["bolt"], "rows": [{"verified_on_target": true, "healthz_ok": false}]}

# The canary acme in a fleet of two, with these rows.
document(rows) := {
	"rollout": {"target_tag": "staging-new", "dry_run": false, "max_stragglers": 9, "canary": "acme"},
	"fleet": {"source": "file", "tenants": 2},
	"cohorts": [rest, {"planned": true, "tenants": ["acme"], "rows": rows}],
	"provenance": {"inputs": []},
}

# The plan's canary is not in the fleet.
canary_not_in_fleet := object.union(document([]), {"rollout": {"canary": "gone"}})

codes(findings) := {finding.code | some finding in findings}

test_proven_healthy_canary_silent if {
	fleet := document([{"verified_on_target": true, "healthz_ok": true}])
	canary.deny == set() with input as fleet with data.rollproof.params as {}
	canary.warn == set() with input as fleet with data.rollproof.params as {}
}

test_no_canary_silent if {
	fleet := object.remove(document([]), ["rollout"])
	unnamed := object.union(fleet, {"rollout": {"dry_run": false, "max_stragglers": 0}})
	canary.deny == set() with input as unnamed with data.rollproof.params as {}
	canary.warn == set() with input as unnamed with data.rollproof.params as {"allow_unhealthy": true}
}

test_canary_not_in_fleet_denied if {
	denied := canary.deny with input as canary_not_in_fleet with data.rollproof.params as {}
	codes(denied) == {"canary.not_in_fleet"}
	some finding in denied
	finding.tenants == ["gone"]
}

test_canary_with_rows_outside_fleet_denied if {
	outside_fleet := {"planned": false, "tenants": ["gone"], "rows": [{"verified_on_target": true}]}
	fleet := object.union(canary_not_in_fleet, {"cohorts": [rest, outside_fleet]})
	denied := canary.deny with input as fleet with data.rollproof.params as {}
	codes(denied) == {"canary.not_in_fleet"}
}

test_canary_in_empty_fleet_denied if {
	denied := canary.deny with input as object.union(canary_not_in_fleet, {"cohorts": []}) with data.rollproof.params as {}
	codes(denied) == {"canary.not_in_fleet"}
}

test_canary_not_in_fleet_of_dry_run_denied if {
	dry := object.union(canary_not_in_fleet, {"rollout": {"dry_run": true}})
	denied := canary.deny with input as dry with data.rollproof.params as {}
	codes(denied) == {"canary.not_in_fleet"}
}

test_fleet_not_enumerated_silent if {
	not_enumerated := object.union(canary_not_in_fleet, {"fleet": {"source": "none"}, "cohorts": []})
	canary.deny == set() with input as not_enumerated with data.rollproof.params as {}
}

test_unreached_canary_denied_within_tolerance if {
	denied := canary.deny with input as document([]) with data.rollproof.params as {"max_stragglers": 9}
	codes(denied) == {"canary.unproven"}
	some finding in denied
	finding.tenants == ["acme"]
	finding.at == "/cohorts/1"
	startswith(finding.message, "canary acme is not proven on staging-new: ")
}

test_off_target_canary_denied if {
	denied := canary.deny with input as document([{"verified_on_target": false}]) with data.rollproof.params as {}
	codes(denied) == {"canary.unproven"}
}

test_unproven_canary_is_not_unhealthy if {
	row := {"verified_on_target": false, "healthz_ok": false}
	denied := canary.deny with input as document([row]) with data.rollproof.params as {}
	codes(denied) == {"canary.unproven"}
}

test_unhealthy_canary_denied if {
	fleet := document([{"verified_on_target": true, "healthz_ok": false}])
	denied := canary.deny with input as fleet with data.rollproof.params as {}
	defaulted := canary.deny with input as fleet with data.rollproof.params as {"allow_unhealthy": false}
	warned := canary.warn with input as fleet with data.rollproof.params as {}
	codes(denied) == {"canary.unhealthy"}
	codes(defaulted) == {"canary.unhealthy"}
	warned == set()
}

test_unhealthy_canary_warned_where_allowed if {
	fleet := document([{"healthz_ok": false}])
	denied := canary.deny with input as fleet with data.rollproof.params as {"allow_unhealthy": true}
	warned := canary.warn with input as fleet with data.rollproof.params as {"allow_unhealthy": true}
	denied == set()
	codes(warned) == {"canary.unhealthy"}
}

test_latest_health_decides if {
	unhealthy := document([{"verified_on_target": true, "healthz_ok": true}, {"verified_on_target": true, "healthz_ok": false}])
	healthy := document([{"verified_on_target": true, "healthz_ok": false}, {"verified_on_target": true, "healthz_ok": true}])
	denied := canary.deny with input as unhealthy with data.rollproof.params as {}
	codes(denied) == {"canary.unhealthy"}
	canary.deny == set() with input as healthy with data.rollproof.params as {}
}

test_absent_or_null_health_silent if {
	canary.deny == set() with input as document([{"verified_on_target": true}]) with data.rollproof.params as {}
	null_health := document([{"verified_on_target": true, "healthz_ok": null}])
	canary.deny == set() with input as null_health with data.rollproof.params as {}
}

test_dry_run_silent_on_proof_and_health if {
	unproven := object.union(document([]), {"rollout": {"dry_run": true}})
	fleet := document([{"verified_on_target": true, "healthz_ok": false}])
	unhealthy := object.union(fleet, {"rollout": {"dry_run": true}})
	canary.deny == set() with input as unproven with data.rollproof.params as {}
	canary.deny == set() with input as unhealthy with data.rollproof.params as {}
	canary.warn == set() with input as unhealthy with data.rollproof.params as {"allow_unhealthy": true}
}

test_unproven_canary_halts if {
	halts := canary.halt with input as document([{"verified_on_target": false}]) with data.rollproof.params as {}
	codes(halts) == {"canary.unproven"}
}

test_proven_canary_does_not_halt if {
	halts := canary.halt with input as document([{"verified_on_target": true}]) with data.rollproof.params as {}
	halts == set()
}

test_uncalled_canary_does_not_halt_while_running if {
	running := object.union(document([]), {"rollout": {"outcome": "running"}})
	halts := canary.halt with input as running with data.rollproof.params as {}
	halts == set()
}

test_not_applicable_without_a_canary if {
	canary.not_applicable == "none named" with input as {"rollout": {"dry_run": false}}
	not canary.not_applicable with input as document([])
}
