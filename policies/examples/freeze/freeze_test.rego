package examples.freeze_test

import data.examples.freeze

windows := [{"from": "2026-12-20T00:00:00Z", "to": "2027-01-04T00:00:00Z", "why": "year's end"}]

rolled_out(started_at, finished_at) := {"rollout": {
	"dry_run": false,
	"started_at": started_at,
	"finished_at": finished_at,
	"outcome": "completed",
}}

codes(document, calendar) := found if {
	said := freeze.deny with input as document with data.facts.freeze as calendar
	found := {finding.code | some finding in said}
}

test_before_a_window_is_silent if {
	codes(rolled_out("2026-12-19T22:00:00Z", "2026-12-19T23:59:59Z"), windows) == set()
}

test_behind_a_window_is_silent if {
	codes(rolled_out("2027-01-04T00:00:00Z", "2027-01-04T01:00:00Z"), windows) == set()
}

test_within_a_window_is_frozen if {
	codes(rolled_out("2026-12-24T18:00:00Z", "2026-12-24T19:00:00Z"), windows) == {"freeze.frozen"}
}

test_into_a_window_is_frozen if {
	codes(rolled_out("2026-12-19T23:00:00Z", "2026-12-20T00:00:00Z"), windows) == {"freeze.frozen"}
}

test_other_zones_are_compared_in_time if {
	codes(rolled_out("2026-12-20T00:30:00+01:00", "2026-12-20T00:45:00+01:00"), windows) == set()
}

test_where_no_call_ended_the_beginning_counts if {
	begun := {"rollout": {"dry_run": false, "started_at": "2026-12-24T18:00:00Z", "outcome": "interrupted"}}
	codes(begun, windows) == {"freeze.frozen"}
}

test_a_dry_run_may_fall_into_a_window if {
	dry := {"rollout": {"dry_run": true, "started_at": "2026-12-24T18:00:00Z", "finished_at": "2026-12-24T18:00:00Z"}}
	codes(dry, windows) == set()
}

test_an_empty_calendar_is_silent if {
	codes(rolled_out("2026-12-24T18:00:00Z", "2026-12-24T19:00:00Z"), []) == set()
}

test_a_window_without_an_end_is_unreadable if {
	endless := [{"from": "2026-12-20T00:00:00Z", "why": "x"}]
	codes(rolled_out("2026-12-24T18:00:00Z", "2026-12-24T19:00:00Z"), endless) == {"freeze.unreadable"}
}

test_what_is_no_list_is_unreadable if {
	codes(rolled_out("2026-12-24T18:00:00Z", "2026-12-24T19:00:00Z"), {"windows": windows}) == {"freeze.unreadable"}
}

test_it_halts if {
	running := rolled_out("2026-12-24T18:00:00Z", "2026-12-24T18:00:01Z")
	halts := freeze.halt with input as running with data.facts.freeze as windows
	{finding.code | some finding in halts} == {"freeze.frozen"}
}
