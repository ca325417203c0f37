package rollproof.waivers_test

import data.rollproof.waivers

waiver := {
	"code": "coverage.incomplete",
	"tenants": ["bolt"],
	"reason": "ticket 4711",
	"owner": "ops",
	"granted": "2026-11-01",
	"expires": "2026-11-30",
}

codes(day, used) := {[finding.code, finding.message] | some finding in findings} if {
	document := {"rollout": {"started_at": sprintf("%sT11:20:34Z", [day])}, "cohorts": [{"tenants": ["bolt"]}]}
	findings := waivers.warn with input as document
		with data.rollproof.given.waivers as [waiver]
		with data.rollproof.query.used as used
}

test_expired_message_has_last_day if {
	message := "the waiver of coverage.incomplete by ops does not count on 2026-12-01: it expired on 2026-11-30"
	codes("2026-12-01", set()) == {["waivers.expired", message]}
}

test_waiver_granted_later_is_not_in_force if {
	message := "the waiver of coverage.incomplete by ops does not count on 2026-10-01: it was granted on 2026-11-01"
	codes("2026-10-01", set()) == {["waivers.expired", message]}
}

test_unneeded_waiver_is_unused if {
	codes("2026-11-30", set()) == {["waivers.unused", "the waiver of coverage.incomplete by ops, until 2026-11-30, waives nothing"]}
}

test_unused_waiver_of_nobody_says_so if {
	document := {"rollout": {"started_at": "2026-11-30T11:20:34Z"}, "cohorts": [{"tenants": ["acme"]}]}
	findings := waivers.warn with input as document
		with data.rollproof.given.waivers as [object.union(waiver, {"tenants": ["b*"]})]
		with data.rollproof.query.used as set()
	message := "the waiver of coverage.incomplete by ops, until 2026-11-30, waives nothing: it covers no tenant of this rollout"
	{finding.message | some finding in findings} == {message}
}

test_used_waiver_silent if {
	codes("2026-11-30", {0}) == set()
}

test_not_applicable_without_a_waiver if {
	waivers.not_applicable == "none given" with data.rollproof.given.waivers as []
	not waivers.not_applicable with data.rollproof.given.waivers as [waiver]
}
