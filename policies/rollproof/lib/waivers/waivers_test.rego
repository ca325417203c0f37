package rollproof.lib.waivers_test

import data.rollproof.lib.waivers

waiver := {
	"code": "coverage.incomplete",
	"tenants": ["bolt", "cobalt"],
	"reason": "ticket 4711",
	"owner": "ops",
	"granted": "2026-11-01",
	"expires": "2026-11-30",
}

document := {
	"rollout": {"dry_run": false, "max_stragglers": 0, "outcome": "unknown"},
	"cohorts": [
		{"planned": true, "labels": {"tier": "gold", "region": "eu"}, "tenants": ["acme"], "rows": []},
		{"planned": true, "labels": {"tier": "gold"}, "tenants": ["bolt"], "rows": []},
		{"planned": true, "tenants": ["cobalt"], "rows": []},
	],
	"provenance": {"collected_at": "2026-11-24T11:20:34Z"},
}

started_on(day) := object.union(document, {"rollout": {"started_at": sprintf("%sT11:20:34Z", [day])}})

test_rollout_day_is_end_else_start_else_collection if {
	ended := object.union(document, {"rollout": {"started_at": "2026-11-01T23:59:59Z", "finished_at": "2026-11-02T00:00:01Z"}})
	waivers.rollout_day == "2026-11-02" with input as ended
	waivers.rollout_day == "2026-11-01" with input as started_on("2026-11-01")
	waivers.rollout_day == "2026-11-24" with input as document
}

test_in_force_from_first_to_last_day if {
	some day, expected in {
		"2026-10-31": set(),
		"2026-11-01": {0},
		"2026-11-30": {0},
		"2026-12-01": set(),
	}
	waivers.in_force == expected with input as started_on(day) with data.rollproof.given.waivers as [waiver]
}

test_no_waivers_cover_nothing if {
	waivers.given == [] with input as document
	waivers.applied("coverage.incomplete", ["bolt"]) == {} with input as document
}

test_applied_to_named_tenants if {
	applied := waivers.applied("coverage.incomplete", ["acme", "bolt"]) with input as document
		with data.rollproof.given.waivers as [waiver]
	applied == {"bolt": 0}
}

test_applied_to_tenants_that_a_pattern_matches if {
	every pattern, expected in {"*": {"acme": 0, "bolt": 0}, "*t": {"bolt": 0}, "b*": {"bolt": 0}, "b": {}, "*x*": {}} {
		applied := waivers.applied("coverage.incomplete", ["acme", "bolt"]) with input as document
			with data.rollproof.given.waivers as [object.union(waiver, {"tenants": [pattern]})]
		applied == expected
	}
}

test_for_nobody_where_no_tenant_is_covered if {
	given := [waiver, object.union(waiver, {"tenants": ["e2e-*"]})]
	waivers.for_nobody == {1} with input as document with data.rollproof.given.waivers as given
}

test_applied_to_tenants_with_all_labels if {
	labelled := object.union(object.remove(waiver, ["tenants"]), {"labels": {"tier": "gold", "region": "eu"}})
	applied := waivers.applied("coverage.incomplete", ["acme", "bolt", "cobalt"]) with input as document
		with data.rollproof.given.waivers as [labelled]
	applied == {"acme": 0}
}

test_first_covering_waiver_is_applied if {
	second := object.union(waiver, {"tenants": ["cobalt", "dune"]})
	applied := waivers.applied("coverage.incomplete", ["bolt", "cobalt", "dune"]) with input as document
		with data.rollproof.given.waivers as [waiver, second]
	applied == {"bolt": 0, "cobalt": 0, "dune": 1}
}

test_not_applied_to_other_code if {
	waivers.applied("health.unhealthy", ["bolt"]) == {} with input as document with data.rollproof.given.waivers as [waiver]
}

test_pattern_not_applied_to_unwaivable_code if {
	pattern := object.union(waiver, {"code": "*"})
	applied := waivers.applied("team.tiers.gold", ["bolt"]) with input as document
		with data.rollproof.given.waivers as [pattern]
		with data.rollproof.given.codes.unwaivable as ["calls.failed"]
	applied == {"bolt": 0}
	never := waivers.applied("calls.failed", ["bolt"]) with input as document
		with data.rollproof.given.waivers as [pattern]
		with data.rollproof.given.codes.unwaivable as ["calls.failed"]
	never == {}
}

test_applied_to_finding_and_message if {
	finding := {"code": "coverage.incomplete", "message": "m", "tenants": {"bolt"}}
	waivers.applied_to(finding) == {"bolt": 0} with input as document with data.rollproof.given.waivers as [waiver]
	waivers.applied_to(json.unmarshal(`"a bare message"`)) == {} with input as document with data.rollproof.given.waivers as [waiver]
}

test_matched_codes_are_declared_and_waivable if {
	pattern := object.union(waiver, {"code": "c*"})
	unknown := object.union(waiver, {"code": "coverage.complete"})
	declared := ["calls.failed", "coverage.incomplete", "health.unhealthy"]
	matched_codes := waivers.matched_codes with data.rollproof.given.waivers as [waiver, pattern, unknown]
		with data.rollproof.given.codes as {"declared": declared, "unwaivable": ["calls.failed"]}
	matched_codes == [{"coverage.incomplete"}, {"coverage.incomplete"}, set()]
}

test_used_is_from_the_query if {
	waivers.used == {1} with data.rollproof.query.used as {1}
	waivers.used == set()
}
