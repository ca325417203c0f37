package examples.freeze_test

import data.examples.freeze

windows := [{"from": "2026-12-20T00:00:00Z", "to": "2027-01-04T00:00:00Z", "why": "year's end"}]

rolled_out(started_at, finished_at) := {"rollout": {
	"dry_run": false,
	"started_at": started_at,
	"finished_at": finished_at,
	"outcome": "completed",
}}

codes(document, calendar) := denied if {
	findings := freeze.deny with input as document with data.facts.freeze as calendar
	denied := {finding.code | some finding in findings}
}

test_before_window_silent if {
	codes(rolled_out("2026-12-19T22:00:00Z", "2026-12-19T23:59:59Z"), windows) == set()
}

test_after_window_silent if {
	codes(rolled_out("2027-01-04T00:00:00Z", "2027-01-04T01:00:00Z"), windows) == set()
}

test_within_window_frozen if {
	codes(rolled_out("2026-12-24T18:00:00Z", "2026-12-24T19:00:00Z"), windows) == {"freeze.frozen"}
}

test_end_within_window_frozen if {
	codes(rolled_out("2026-12-19T23:00:00Z", "2026-12-20T00:00:00Z"), windows) == {"freeze.frozen"}
}

test_time_zones_are_compared if {
	codes(rolled_out("2026-12-20T00:30:00+01:00", "2026-12-20T00:45:00+01:00"), windows) == set()
}

test_start_decides_without_an_end if {
	started := {"rollout": {"dry_run": false, "started_at": "2026-12-24T18:00:00Z", "outcome": "interrupted"}}
	codes(started, windows) == {"freeze.frozen"}
}

test_dry_run_silent if {
	dry := {"rollout": {"dry_run": true, "started_at": "2026-12-24T18:00:00Z", "finished_at": "2026-12-24T18:00:00Z"}}
	codes(dry, windows) == set()
}

test_empty_calendar_silent if {
	codes(rolled_out("2026-12-24T18:00:00Z", "2026-12-24T19:00:00Z"), []) == set()
}

test_window_without_end_unreadable if {
	endless := [{"from": "2026-12-20T00:00:00Z", "why": "x"}]
	codes(rolled_out("2026-12-24T18:00:00Z", "2026-12-24T19:00:00Z"), endless) == {"freeze.unreadable"}
}

test_calendar_that_is_no_list_unreadable if {
	codes(rolled_out("2026-12-24T18:00:00Z", "2026-12-24T19:00:00Z"), {"windows": windows}) == {"freeze.unreadable"}
}

test_frozen_halts if {
	running := rolled_out("2026-12-24T18:00:00Z", "2026-12-24T18:00:01Z")
	halts := freeze.halt with input as running with data.facts.freeze as windows
	{finding.code | some finding in halts} == {"freeze.frozen"}
}
