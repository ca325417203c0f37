package rollproof.lag_test

import data.rollproof.lag

rollout := {
	"archive": "a/response.json", "at": "2026-07-01T10:00:00Z", "decision": "pass", "called": "green", "because": [],
	"canary": "acme", "canary_in_fleet": true,
}

tenant := {"tenant": "acme", "falls": 0, "quarantined_running": 0, "appeared": false, "behind": []}

open(seconds) := {"since": "2026-07-01T10:00:00Z", "rollouts": 1, "seconds": seconds, "waived": false}

ended(seconds) := object.union(open(seconds), {"until": "2026-07-03T10:00:00Z"})

audit(rollouts, tenants) := {"rollouts": rollouts, "tenants": tenants, "unreadable": [], "unpaired": []}

with_tenant(fields) := audit([rollout], [object.union(tenant, fields)])

with_rollout(fields) := audit([object.union(rollout, fields)], [tenant])

findings_by_code(doc) := result if {
	result := {finding.code: finding | some finding in ((lag.deny | lag.inconclusive) | (lag.warn | lag.note))} with input as doc
}

codes(doc) := object.keys(findings_by_code(doc))

test_healthy_audit_silent if codes(audit([rollout], [tenant])) == set()

test_no_rollout_is_nothing_judged if {
	findings := findings_by_code(audit([], []))
	findings["lag.nothing_judged"].message == "no archived rollout asserts anything, of 0 that were read"
}

test_only_dry_runs_is_nothing_judged if codes(with_rollout({"decision": "not_asserted"})) == {"lag.nothing_judged"}

test_false_green if {
	because := [{"code": "coverage.incomplete", "message": "x", "tenants": ["cove", "bolt"]}]
	findings := findings_by_code(with_rollout({"decision": "fail", "because": because}))
	findings["lag.false_green"].message == "1 rollout was called green and was not"
	findings["lag.false_green"].tenants == {"bolt", "cove"}
}

test_false_greens_are_one_finding if {
	failed := object.union(rollout, {"decision": "fail"})
	findings := findings_by_code(audit([failed, object.union(failed, {"archive": "b/response.json"})], []))
	findings["lag.false_green"].message == "2 rollouts were called green and were not"
	findings["lag.false_green"].observed == ["a/response.json", "b/response.json"]
}

test_green_without_row_of_known_tenant_is_false if {
	findings := findings_by_code(with_rollout({"missing": ["cove"]}))
	object.keys(findings) == {"lag.false_green"}
	without := "1 rollout was called green without a row for 1 tenant that earlier and later rollouts have"
	findings["lag.false_green"].message == without
	findings["lag.false_green"].tenants == {"cove"}
}

test_inconclusive_green_without_row_is_false_and_not_unproven if {
	codes(with_rollout({"decision": "inconclusive", "missing": ["cove"]})) == {"lag.false_green"}
}

test_red_without_row_silent if codes(with_rollout({"called": "red", "missing": ["cove"]})) == set()

test_tenant_without_later_row_has_vanished if {
	doc := with_tenant({"missing_since": "2026-07-02T10:00:00Z"})
	some finding in lag.deny with input as doc
	finding.code == "lag.vanished"
	finding.tenants == {"acme"}
	finding.message == "1 tenant was in earlier rollouts and in none of the latest, and nobody enumerated the fleet"
}

test_undated if {
	findings := findings_by_code(audit([object.remove(rollout, {"at"})], [tenant]))
	object.keys(findings) == {"lag.undated"}
	findings["lag.undated"].message == "nothing says when 1 rollout was made: a/response.json"
}

test_mixed_fleets if {
	fleets := [{"tenants": 3, "rollouts": 2, "archive": "a.json"}, {"tenants": 4, "rollouts": 3, "archive": "b.json"}]
	doc := object.union(audit([rollout], [tenant]), {"groups": [{"rollouts": 5, "tenants": 7, "fleets": fleets}]})
	findings := findings_by_code(doc)
	object.keys(findings) == {"lag.mixed_fleets"}
	message := "2 fleets hardly overlap, and nothing tells their rollouts apart: a.json, b.json"
	findings["lag.mixed_fleets"].message == message
}

test_one_fleet_is_not_mixed if {
	doc := object.union(audit([rollout], [tenant]), {"groups": [{"rollouts": 5, "tenants": 7}]})
	codes(doc) == set()
}

test_history_cut if {
	doc := object.union(audit([rollout], [tenant]), {"read_since": "2026-07-01T00:00:00Z"})
	codes(doc) == {"lag.history_cut"}
}

test_long_times_are_days_and_hours if {
	lag.duration(612000) == "7 d 2 h"
	lag.duration(172800) == "2 d"
	lag.duration(172799) == "47 h 59 min"
}

test_failed_rollout_called_red_silent if codes(with_rollout({"decision": "fail", "called": "red"})) == set()

test_failed_rollout_called_unknown_silent if codes(with_rollout({"decision": "fail", "called": "unknown"})) == set()

test_unproven_green if {
	findings := findings_by_code(with_rollout({"decision": "inconclusive"}))
	object.keys(findings) == {"lag.unproven_green"}
	findings["lag.unproven_green"].message == "1 rollout was called green and cannot be proven"
}

test_unproven_green_is_inconclusive if {
	inconclusive := lag.inconclusive with input as with_rollout({"decision": "inconclusive"})
	count(inconclusive) == 1
}

test_behind_for_too_long if {
	findings := findings_by_code(with_tenant({"behind": [open(165600)]}))
	object.keys(findings) == {"lag.behind"}
	findings["lag.behind"].message == "1 tenant is behind for more than 24 h, the longest for 46 h"
	findings["lag.behind"].tenants == ["acme"]
}

test_behind_is_denied if {
	denied := lag.deny with input as with_tenant({"behind": [open(86401)]})
	count(denied) == 1
}

test_behind_for_exactly_allowed_time_warned if codes(with_tenant({"behind": [open(86400)]})) == {"lag.behind_within"}

test_behind_for_longer_than_parameter if {
	denied := lag.deny with input as with_tenant({"behind": [open(5461)]}) with data.rollproof.params as {"behind_for": 0.5}
	{finding.message | some finding in denied} == {"1 tenant is behind for more than 30 min, the longest for 1 h 31 min"}
}

test_waived_behind_warned if {
	waived := object.union(open(165600), {"waived": true})
	codes(with_tenant({"behind": [waived]})) == {"lag.behind_within"}
}

test_behind_tenant_that_left_fleet_vanished if {
	gone := {"behind": [open(165600)], "gone_since": "2026-07-02T10:00:00Z"}
	codes(with_tenant(gone)) == {"lag.vanished"}
}

test_was_behind if {
	findings := findings_by_code(with_tenant({"behind": [ended(165600), ended(90000)]}))
	object.keys(findings) == {"lag.was_behind"}
	findings["lag.was_behind"].message == "1 tenant was once behind for more than 24 h, the longest for 46 h"
}

test_was_behind_within_allowed_time_silent if codes(with_tenant({"behind": [ended(3600)]})) == set()

test_quarantined_in_three_rollouts_in_a_row if {
	findings := findings_by_code(with_tenant({"quarantined_running": 3}))
	object.keys(findings) == {"lag.quarantined"}
	findings["lag.quarantined"].message == "1 tenant is quarantined in 3 rollouts or more in a row"
}

test_quarantined_is_denied if {
	denied := lag.deny with input as with_tenant({"quarantined_running": 3})
	count(denied) == 1
}

test_quarantined_in_two_rollouts_silent if codes(with_tenant({"quarantined_running": 2})) == set()

test_quarantined_as_often_as_parameter if {
	denied := lag.deny with input as with_tenant({"quarantined_running": 1}) with data.rollproof.params as {"quarantined_running": 1}
	count(denied) == 1
}

test_quarantined_tenant_that_left_fleet_vanished if {
	gone := {"quarantined_running": 3, "gone_since": "2026-07-02T10:00:00Z"}
	codes(with_tenant(gone)) == {"lag.vanished"}
}

test_flapping if {
	findings := findings_by_code(with_tenant({"falls": 3}))
	object.keys(findings) == {"lag.flapping"}
	findings["lag.flapping"].message == "1 tenant has fallen behind again, at least 3 times"
}

test_flapping_below_limit_silent if codes(with_tenant({"falls": 2})) == set()

test_vanished if {
	findings := findings_by_code(with_tenant({"gone_since": "2026-07-02T10:00:00Z"}))
	findings["lag.vanished"].message == "1 tenant was in the fleet and is enumerated no more"
}

test_appeared if {
	findings := findings_by_code(with_tenant({"appeared": true}))
	object.keys(findings) == {"lag.appeared"}
	findings["lag.appeared"].message == "1 tenant has joined the fleet"
}

test_canary_never_in_fleet if {
	findings := findings_by_code(with_rollout({"canary_in_fleet": false}))
	object.keys(findings) == {"lag.canary_never_in_fleet"}
	findings["lag.canary_never_in_fleet"].tenants == {"acme"}
}

test_canary_in_one_fleet_silent if {
	codes(audit([rollout, object.union(rollout, {"canary_in_fleet": false})], [tenant])) == set()
}

test_unreadable if {
	unreadable := [{"archive": "b/response.json", "problem": "x"}]
	findings := findings_by_code(object.union(audit([rollout], [tenant]), {"unreadable": unreadable}))
	object.keys(findings) == {"lag.unreadable"}
	findings["lag.unreadable"].message == "1 archive could not be read: b/response.json"
}

test_unpaired if {
	findings := findings_by_code(object.union(audit([rollout], [tenant]), {"unpaired": ["b/plan.json"]}))
	object.keys(findings) == {"lag.unpaired"}
	findings["lag.unpaired"].message == "1 plan or fleet belongs to no archive: b/plan.json"
}
