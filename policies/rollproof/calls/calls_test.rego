package rollproof.calls_test

import data.rollproof.calls

# The denials for this archive.
denied(archive) := findings if {
	findings := calls.deny with input as {"rollout": {"dry_run": false}, "archive": archive}
}

observed(archive) := value if {
	findings := denied(archive)
	count(findings) == 1
	some finding in findings
	finding.code == "calls.failed"
	value := finding.observed
}

test_ok_silent if denied({"ok": true}) == set()

test_ok_with_error_text_silent if denied({"ok": true, "error": "left over"}) == set()

test_no_archive_silent if calls.deny == set() with input as {"rollout": {"dry_run": false}, "calls": []}

test_not_ok_denied if observed({"ok": false, "error": "HTTP 502"}) == "HTTP 502"

test_null_ok_denied if observed({"ok": null, "error": "HTTP 502"}) == "HTTP 502"

test_absent_ok_denied if observed({"error": "HTTP 502"}) == "HTTP 502"

test_mapped_archive_silent if {
	mapping := {"proof": "target", "fields": ["verified_on_target"]}
	calls.deny == set() with input as {"rollout": {"dry_run": false}, "archive": {}, "mapping": mapping}
}

test_empty_archive_denied if count(denied({})) == 1

test_error_observed_before_message if observed({"ok": false, "error": "e", "message": "m"}) == "e"

test_message_observed_without_error if {
	observed({"ok": false, "error": " ", "message": "m"}) == "m"
	observed({"ok": false, "error": null, "message": "m"}) == "m"
	observed({"ok": false, "message": "m"}) == "m"
}

test_ok_observed_without_text if {
	observed({"ok": false}) == {"ok": false}
	observed({"ok": null, "error": null}) == {"ok": null}
	observed({"error": "", "message": "\n"}) == {}
}

test_incomplete_rollout_error_silent if {
	denied({"ok": false, "error": "incomplete rollout: 1 tenant(s) not verified"}) == set()
	denied({"error": "incomplete rollout: 1 tenant(s) not verified"}) == set()
}

test_incomplete_rollout_elsewhere_denied if {
	count(denied({"ok": false, "error": "an incomplete rollout: 1"})) == 1
	count(denied({"ok": false, "message": "incomplete rollout: 1"})) == 1
}

test_raw_text_is_not_in_message if {
	every finding in denied({"ok": false, "error": "SECRET", "message": "SECRET"}) {
		not contains(finding.message, "SECRET")
	}
}

test_dry_run_denied_too if {
	findings := calls.deny with input as {"rollout": {"dry_run": true}, "archive": {"ok": false}}
	count(findings) == 1
}

live(outcome, made, cohorts) := {
	"rollout": {"dry_run": false, "max_stragglers": 0, "outcome": outcome, "halted_because": "calls.failed: x"},
	"fleet": {"source": "plan_call"},
	"calls": made,
	"cohorts": cohorts,
}

call(attempt) := object.union({"purpose": "batch", "tenants": ["acme"], "ok": true}, {"attempts": [attempt]})

successful_call := call({"status": 200, "last": true})

codes(findings) := {finding.code | some finding in findings}

failure_message(attempt) := finding.message if {
	denied_live := calls.deny with input as live("completed", [call(attempt)], [])
	some finding in denied_live
}

test_failed_call_denies_and_halts if {
	failed := call({"status": 500, "last": true})
	denied_live := calls.deny with input as live("completed", [successful_call, failed], [])
	codes(denied_live) == {"calls.failed"}
	halts := calls.halt with input as live("running", [successful_call, failed], [])
	codes(halts) == {"calls.failed"}
	none := calls.halt with input as live("running", [successful_call], [])
	none == set()
}

test_failed_call_message_has_reason if {
	failure_message({"status": 500, "last": true}) == "the batch call failed after 1 attempt: HTTP 500"
	failure_message({"last": true}) == "the batch call failed after 1 attempt: no answer came"
	endswith(failure_message({"status": 200, "malformed": "x", "last": true}), "the answer is malformed")
}

test_call_not_ok_message_has_reason if {
	refused := object.union(successful_call, {"ok": false})
	denied_live := calls.deny with input as live("completed", [refused], [])
	some finding in denied_live
	endswith(finding.message, "HTTP 200, and ok is false")
}

test_answer_that_broke_off_without_kind_has_reason if {
	broken := object.remove(call({"status": 200, "error": "end of file", "last": true}), ["ok"])
	denied_live := calls.deny with input as live("completed", [broken], [])
	some finding in denied_live
	endswith(finding.message, "HTTP 200, and the answer is not ok or breaks off")
}

kinds := {
	"refused", "unreachable", "unknown_host", "proxy", "timed_out", "closed",
	"certificate_expired", "certificate_name", "certificate_issuer", "certificate", "tls", "no_tls", "no_http",
	"redirect", "unauthorized", "forbidden", "not_found", "too_many_requests",
	"html", "no_json", "empty", "compressed", "encoding", "cut_off", "too_large", "no_ok", "other",
}

test_each_kind_denies_once_with_its_reason_and_halts if {
	every kind in kinds {
		failed := call({"failure": {"kind": kind, "reason": "the reason"}, "last": true})
		denied_live := calls.deny with input as live("completed", [failed], [])
		{finding.message | some finding in denied_live} == {"the batch call failed after 1 attempt: the reason"}
		halts := calls.halt with input as live("running", [failed], [])
		codes(halts) == {"calls.failed"}
	}
}

test_status_without_kind_denies_once if {
	every status in {301, 308, 400, 401, 403, 404, 429, 500, 503} {
		denied_live := calls.deny with input as live("completed", [call({"status": status, "last": true})], [])
		messages := {finding.message | some finding in denied_live}
		messages == {sprintf("the batch call failed after 1 attempt: HTTP %d", [status])}
	}
}

test_kind_of_status if {
	calls.failure_kind({"status": 308}) == "redirect"
	calls.failure_kind({"status": 401}) == "unauthorized"
	calls.failure_kind({"status": 404, "failure": {"kind": "other"}}) == "other"
	calls.failure_kind({"status": 400}) == "other"
	calls.failure_kind({}) == "other"
}

test_halted_rollout_denied if {
	halted := calls.deny with input as live("halted", [successful_call], [])
	codes(halted) == {"calls.halted"}
	uncalled := calls.deny with input as live("halted", [], [])
	codes(uncalled) == {"calls.halted"}
}

test_halt_at_gate_before_first_call_silent if {
	disabled := object.union(live("halted", [], []), {"gates": {"plan_disabled": "x"}})
	found := calls.deny with input as disabled
	found == set()
	armed := {"gates": {"switch": [{"state": "armed"}]}}
	before := calls.deny with input as object.union(live("halted", [], []), armed)
	before == set()
	between := calls.deny with input as object.union(live("halted", [successful_call], []), armed)
	codes(between) == {"calls.halted"}
}

test_interrupted_rollout_denied if {
	interrupted := calls.deny with input as live("interrupted", [successful_call], [])
	codes(interrupted) == {"calls.interrupted"}
}

test_running_rollout_denied_without_halt if {
	denied_live := calls.deny with input as live("running", [successful_call], [])
	codes(denied_live) == {"calls.interrupted"}
	halts := calls.halt with input as live("running", [successful_call], [])
	halts == set()
}

test_unreached_tenants_noted_by_reason if {
	failed := call({"status": 500, "last": true})
	in_flight := call({"last": false})
	cohorts := [
		{"planned": true, "tenants": ["a", "b"], "rows": []},
		{"planned": true, "tenants": ["c"], "rows": [], "call": 0},
		{"planned": true, "tenants": ["d"], "rows": [], "call": 1},
		{"planned": true, "tenants": ["e"], "rows": [{"verified_on_target": true}]},
	]
	in_flight_for_d := object.union(in_flight, {"tenants": ["d"]})
	notes := calls.note with input as live("interrupted", [failed, in_flight_for_d], cohorts)
	{finding.message | some finding in notes} == {
		"2 tenants were never called",
		"1 tenant was named by a call that failed",
		"1 tenant was named by a call that was never seen to end",
	}
}

test_retried_calls_noted if {
	retried := object.union(successful_call, {"attempts": [{"status": 502, "last": false}, {"status": 200, "last": true}]})
	notes := calls.note with input as live("completed", [successful_call, retried], [])
	{finding.message | some finding in notes} == {"1 call took more than one attempt"}
}

warned(doc) := findings if findings := calls.warn with input as object.union({"rollout": {"dry_run": false}}, doc)

test_archived_success_with_an_error_warned if {
	found := warned({"archive": {"ok": true, "error": "SECRET"}})
	count(found) == 1
	some finding in found
	finding.code == "calls.contradiction"
	finding.observed == "SECRET"
	not contains(finding.message, "SECRET")
}

test_success_without_an_error_silent if {
	warned({"archive": {"ok": true, "error": " "}}) == set()
	warned({"archive": {"ok": true, "message": "done"}}) == set()
	warned({"archive": {"ok": false, "error": "boom"}}) == set()
}

test_successful_call_with_an_error_warned if {
	call := {
		"purpose": "batch",
		"tenants": ["bolt"],
		"ok": true,
		"attempts": [{"status": 200, "error": "disk full", "last": true}],
	}
	some finding in warned({"calls": [call]})
	finding.code == "calls.contradiction"
	finding.tenants == ["bolt"]
	finding.at == "/calls/0"
	warned({"calls": [object.union(call, {"ok": false})]}) == set()
}

test_not_applicable_without_a_call_and_an_archive if {
	calls.not_applicable == "none made" with input as {"calls": []}
	not calls.not_applicable with input as {"calls": [{"purpose": "batch"}]}
	not calls.not_applicable with input as {"calls": [], "archive": {"ok": true}}
}
