package rollproof.health_test

import data.rollproof.health

document(rows) := {
	"rollout": {"target_tag": "staging-new", "dry_run": false, "max_stragglers": 0},
	"fleet": {"source": "file", "tenants": 3},
	"cohorts": [
		{"planned": true, "tenants": ["acme"], "rows": [{"verified_on_target": true, "healthz_ok": true}]},
		{"planned": true, "tenants": ["bolt", "cove"], "rows": rows},
	],
	"provenance": {"inputs": []},
}

# The denials by default if bolt and cove have these rows.
denied(rows) := findings if {
	findings := health.deny with input as document(rows) with data.rollproof.params as {}
}

is_unhealthy(findings) if {
	count(findings) == 1
	some finding in findings
	finding.code == "health.unhealthy"
	{tenant | some tenant in finding.tenants} == {"bolt", "cove"}
}

test_healthy_silent if denied([{"verified_on_target": true, "healthz_ok": true}]) == set()

test_verified_unhealthy_denied if is_unhealthy(denied([{"verified_on_target": true, "healthz_ok": false}]))

test_assumed_unhealthy_denied if is_unhealthy(denied([{"healthz_ok": false}]))

test_cohorts_make_one_finding if {
	fleet := document([{"verified_on_target": true, "healthz_ok": false}])
	other := {"planned": true, "tenants": ["dune"], "rows": [{"healthz_ok": false}]}
	cohorts := array.concat(fleet.cohorts, [other])
	findings := health.deny with input as object.union(fleet, {"cohorts": cohorts}) with data.rollproof.params as {}
	count(findings) == 1
}

# The denials by default if bolt and cove have this row, and a mapping with these fields reads it.
denied_mapped(fields, row) := findings if {
	mapping := {"proof": "target", "fields": fields}
	fleet := object.union(document([row]), {"mapping": mapping})
	findings := health.deny with input as fleet with data.rollproof.params as {}
}

test_result_that_a_mapping_does_not_find_denied if {
	is_unhealthy(denied_mapped(["healthz_ok", "verified_on_target"], {"verified_on_target": true}))
	is_unhealthy(denied_mapped(["healthz_ok", "verified_on_target"], {"verified_on_target": true, "healthz_ok": null}))
	denied_mapped(["healthz_ok", "verified_on_target"], {"verified_on_target": false}) == set()
	denied_mapped(["verified_on_target"], {"verified_on_target": true}) == set()
}

test_unproven_unhealthy_silent if {
	denied([{"verified_on_target": false, "healthz_ok": false}]) == set()
	denied([{"ssm_status": "Failed", "healthz_ok": false}]) == set()
	denied([{"ssm_status": "DryRun", "healthz_ok": false}]) == set()
	denied([]) == set()
}

test_absent_or_null_health_silent if {
	denied([{"verified_on_target": true}]) == set()
	denied([{"verified_on_target": true, "healthz_ok": null}]) == set()
}

test_latest_live_row_decides if {
	unhealthy_row := {"verified_on_target": true, "healthz_ok": false}
	healthy_row := {"verified_on_target": true, "healthz_ok": true}
	is_unhealthy(denied([healthy_row, unhealthy_row]))
	denied([unhealthy_row, healthy_row]) == set()
	is_unhealthy(denied([unhealthy_row, {"ssm_status": "DryRun", "healthz_ok": true}]))
}

test_unhealthy_warned_where_allowed if {
	fleet := document([{"verified_on_target": true, "healthz_ok": false}])
	warned := health.warn with input as fleet with data.rollproof.params as {"allow_unhealthy": true}
	is_unhealthy(warned)
	health.deny == set() with input as fleet with data.rollproof.params as {"allow_unhealthy": true}
}

test_unhealthy_denied_without_parameters if {
	fleet := document([{"verified_on_target": true, "healthz_ok": false}])
	findings := health.deny with input as fleet
	is_unhealthy(findings)
	health.warn == set() with input as fleet
}

test_dry_run_silent if {
	fleet := document([{"verified_on_target": true, "healthz_ok": false}])
	dry := object.union(fleet, {"rollout": {"dry_run": true}})
	health.deny == set() with input as dry with data.rollproof.params as {}
	health.warn == set() with input as dry with data.rollproof.params as {"allow_unhealthy": true}
}

unhealthy_fleet(tenants) := {
	"rollout": {"dry_run": false, "max_stragglers": 1, "outcome": "running"},
	"fleet": {"source": "plan_call"},
	"calls": [],
	"cohorts": [{"planned": true, "tenants": tenants, "rows": [{"verified_on_target": true, "healthz_ok": false}]}],
}

test_more_unhealthy_than_tolerated_halt if {
	halts := health.halt with input as unhealthy_fleet(["a", "b"])
	{finding.code | some finding in halts} == {"health.unhealthy"}
}

test_tolerated_or_allowed_unhealthy_do_not_halt if {
	one := health.halt with input as unhealthy_fleet(["a"])
	one == set()
	allowed := health.halt with input as unhealthy_fleet(["a", "b"]) with data.rollproof.params as {"allow_unhealthy": true}
	allowed == set()
}

test_not_applicable_where_no_row_reports_health if {
	health.not_applicable == "not reported" with input as {"cohorts": [{"rows": [{"verified_on_target": true}]}, {"rows": []}]}
	not health.not_applicable with input as document([])
	not health.not_applicable with input as {"cohorts": [{"rows": [{"healthz_ok": null}]}]}
}
