package rollproof.calls_test

import data.rollproof.calls

# What calls denies of this archive.
denied(archive) := findings if {
	findings := calls.deny with input as {"rollout": {"dry_run": false}, "archive": archive}
}

observed(archive) := seen if {
	findings := denied(archive)
	count(findings) == 1
	some finding in findings
	finding.code == "calls.failed"
	seen := finding.observed
}

test_ok_silent if denied({"ok": true}) == set()

test_ok_with_error_text_silent if denied({"ok": true, "error": "left over"}) == set()

test_no_archive_silent if calls.deny == set() with input as {"rollout": {"dry_run": false}, "calls": []}

test_not_ok_denied if observed({"ok": false, "error": "HTTP 502"}) == "HTTP 502"

test_null_ok_denied if observed({"ok": null, "error": "HTTP 502"}) == "HTTP 502"

test_absent_ok_denied if observed({"error": "HTTP 502"}) == "HTTP 502"

test_empty_archive_denied if count(denied({})) == 1

test_error_before_message if observed({"ok": false, "error": "e", "message": "m"}) == "e"

test_blank_error_yields_to_message if {
	observed({"ok": false, "error": " ", "message": "m"}) == "m"
	observed({"ok": false, "error": null, "message": "m"}) == "m"
	observed({"ok": false, "message": "m"}) == "m"
}

test_without_text_ok_is_observed if {
	observed({"ok": false}) == false
	observed({"ok": null, "error": null}) == null
	observed({"error": "", "message": "\n"}) == "absent"
}

test_incomplete_rollout_is_no_failed_call if {
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

test_dry_run_judged_too if {
	findings := calls.deny with input as {"rollout": {"dry_run": true}, "archive": {"ok": false}}
	count(findings) == 1
}
