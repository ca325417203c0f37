package rollproof.lag_test

import data.rollproof.lag

rollout := {
	"archive": "a/response.json", "decision": "pass", "called": "green", "because": [],
	"canary": "acme", "canary_in_fleet": true,
}

tenant := {"tenant": "acme", "falls": 0, "quarantined_running": 0, "appeared": false, "behind": []}

open(seconds) := {"since": "2026-07-01T10:00:00Z", "rollouts": 1, "seconds": seconds, "waived": false}

ended(seconds) := object.union(open(seconds), {"until": "2026-07-03T10:00:00Z"})

audit(rollouts, tenants) := {"rollouts": rollouts, "tenants": tenants, "unreadable": [], "unpaired": []}

with_tenant(fields) := audit([rollout], [object.union(tenant, fields)])

with_rollout(fields) := audit([object.union(rollout, fields)], [tenant])

all_of(input_) := result if {
	result := {finding.code: finding | some finding in ((lag.deny | lag.inconclusive) | (lag.warn | lag.note))} with input as input_
}

codes(input_) := object.keys(all_of(input_))

test_healthy_is_silent if codes(audit([rollout], [tenant])) == set()

test_nothing_judged if {
	said := all_of(audit([], []))
	said["lag.nothing_judged"].message == "no archived rollout asserts anything, of 0 that were read"
}

test_dry_runs_alone_are_nothing_judged if codes(with_rollout({"decision": "not_asserted"})) == {"lag.nothing_judged"}

test_false_green if {
	because := [{"code": "coverage.incomplete", "message": "x", "tenants": ["cove", "bolt"]}]
	said := all_of(with_rollout({"decision": "fail", "because": because}))
	said["lag.false_green"].message == "1 rollout was called green and was not"
	said["lag.false_green"].tenants == {"bolt", "cove"}
}

test_false_greens_are_one_finding if {
	failed := object.union(rollout, {"decision": "fail"})
	said := all_of(audit([failed, object.union(failed, {"archive": "b/response.json"})], []))
	said["lag.false_green"].message == "2 rollouts were called green and were not"
	said["lag.false_green"].observed == ["a/response.json", "b/response.json"]
}

test_honest_red_is_no_failure if codes(with_rollout({"decision": "fail", "called": "red"})) == set()

test_unknown_is_no_false_green if codes(with_rollout({"decision": "fail", "called": "unknown"})) == set()

test_unproven_green if {
	said := all_of(with_rollout({"decision": "inconclusive"}))
	object.keys(said) == {"lag.unproven_green"}
	said["lag.unproven_green"].message == "1 rollout was called green and cannot be proven"
}

test_unproven_green_is_inconclusive if {
	inconclusive := lag.inconclusive with input as with_rollout({"decision": "inconclusive"})
	count(inconclusive) == 1
}

test_behind_for_too_long if {
	said := all_of(with_tenant({"behind": [open(165600)]}))
	object.keys(said) == {"lag.behind"}
	said["lag.behind"].message == "1 tenant is behind for more than 24 h, the longest for 46 h"
	said["lag.behind"].tenants == ["acme"]
}

test_behind_is_denied if {
	denied := lag.deny with input as with_tenant({"behind": [open(86401)]})
	count(denied) == 1
}

test_behind_for_just_so_long if codes(with_tenant({"behind": [open(86400)]})) == {"lag.behind_within"}

test_behind_for_longer_than_given if {
	denied := lag.deny with input as with_tenant({"behind": [open(5461)]}) with data.rollproof.params as {"behind_for": 0.5}
	{finding.message | some finding in denied} == {"1 tenant is behind for more than 30 min, the longest for 1 h 31 min"}
}

test_behind_and_waived if {
	waived := object.union(open(165600), {"waived": true})
	codes(with_tenant({"behind": [waived]})) == {"lag.behind_within"}
}

test_behind_and_gone if {
	gone := {"behind": [open(165600)], "gone_since": "2026-07-02T10:00:00Z"}
	codes(with_tenant(gone)) == {"lag.vanished"}
}

test_was_behind if {
	said := all_of(with_tenant({"behind": [ended(165600), ended(90000)]}))
	object.keys(said) == {"lag.was_behind"}
	said["lag.was_behind"].message == "1 tenant was once behind for more than 24 h, the longest for 46 h"
}

test_was_behind_for_a_short_time if codes(with_tenant({"behind": [ended(3600)]})) == set()

test_quarantined_three_times_running if {
	said := all_of(with_tenant({"quarantined_running": 3}))
	object.keys(said) == {"lag.quarantined"}
	said["lag.quarantined"].message == "1 tenant is quarantined in 3 rollouts or more in a row"
}

test_quarantined_is_denied if {
	denied := lag.deny with input as with_tenant({"quarantined_running": 3})
	count(denied) == 1
}

test_quarantined_twice if codes(with_tenant({"quarantined_running": 2})) == set()

test_quarantined_as_often_as_given if {
	denied := lag.deny with input as with_tenant({"quarantined_running": 1}) with data.rollproof.params as {"quarantined_running": 1}
	count(denied) == 1
}

test_quarantined_and_gone if {
	gone := {"quarantined_running": 3, "gone_since": "2026-07-02T10:00:00Z"}
	codes(with_tenant(gone)) == {"lag.vanished"}
}

test_flapping if {
	said := all_of(with_tenant({"falls": 3}))
	object.keys(said) == {"lag.flapping"}
	said["lag.flapping"].message == "1 tenant has fallen behind again, at least 3 times"
}

test_flapping_less_often if codes(with_tenant({"falls": 2})) == set()

test_vanished if {
	said := all_of(with_tenant({"gone_since": "2026-07-02T10:00:00Z"}))
	said["lag.vanished"].message == "1 tenant was in the fleet and is enumerated no more"
}

test_appeared if {
	said := all_of(with_tenant({"appeared": true}))
	object.keys(said) == {"lag.appeared"}
	said["lag.appeared"].message == "1 tenant has joined the fleet"
}

test_canary_never_in_fleet if {
	said := all_of(with_rollout({"canary_in_fleet": false}))
	object.keys(said) == {"lag.canary_never_in_fleet"}
	said["lag.canary_never_in_fleet"].tenants == {"acme"}
}

test_canary_once_in_fleet if {
	codes(audit([rollout, object.union(rollout, {"canary_in_fleet": false})], [tenant])) == set()
}

test_unreadable if {
	unreadable := [{"archive": "b/response.json", "problem": "x"}]
	said := all_of(object.union(audit([rollout], [tenant]), {"unreadable": unreadable}))
	object.keys(said) == {"lag.unreadable"}
	said["lag.unreadable"].message == "1 archive could not be read: b/response.json"
}

test_unpaired if {
	said := all_of(object.union(audit([rollout], [tenant]), {"unpaired": ["b/plan.json"]}))
	object.keys(said) == {"lag.unpaired"}
	said["lag.unpaired"].message == "1 plan or fleet belongs to no archive: b/plan.json"
}
