package rollproof.lib.calls_test

import data.rollproof.lib.calls

ended(status, ok) := {"tenants": ["acme"], "ok": ok, "attempts": [{"status": status, "last": true}]}

malformed := {"tenants": ["bolt"], "ok": true, "attempts": [{"status": 200, "malformed": "x", "last": true}]}

in_flight := {"tenants": ["cove"], "attempts": [{"last": false}]}

test_only_200_with_ok_true_succeeds if {
	found := calls.succeeded with input as {"calls": [ended(200, true), ended(200, false), ended(500, true), malformed, in_flight]}
	found == {0}
}

test_ended_calls_without_success_failed if {
	found := calls.failed with input as {"calls": [ended(200, true), malformed, in_flight]}
	found == {1}
}

test_call_without_ok_failed if {
	found := calls.failed with input as {"calls": [{"tenants": [], "attempts": [{"last": true}]}]}
	found == {0}
}

test_latest_of_two_calls_decides if {
	found := calls.failed with input as {"calls": [ended(500, false), ended(200, true)]}
	found == set()
	again := calls.failed with input as {"calls": [ended(500, false), ended(500, false)]}
	again == {1}
	before := calls.failed with input as {"calls": [ended(200, true), ended(500, false)]}
	before == {1}
}

cohorts := [{"rows": []}, {"rows": [], "call": 0}, {"rows": [{}]}]

test_not_yet_called_only_while_running if {
	running := calls.not_yet_called with input as {"rollout": {"outcome": "running"}, "cohorts": cohorts}
	running == {0}
	halted := calls.not_yet_called with input as {"rollout": {"outcome": "halted"}, "cohorts": cohorts}
	halted == set()
}

test_unreached_reason_of_archive_is_skipped if {
	calls.unreached_reason({"rows": []}) == "skipped" with input as {"calls": []}
}

test_unreached_reason_after_calls if {
	document := {"calls": [ended(200, true), ended(500, false), in_flight]}
	calls.unreached_reason({"call": 0}) == "skipped" with input as document
	calls.unreached_reason({"call": 1}) == "call_failed" with input as document
	calls.unreached_reason({"call": 2}) == "in_flight" with input as document
	calls.unreached_reason({}) == "not_called" with input as document
}
