package examples.friday_test

import data.examples.friday

messages(started_at) := said if {
	document := {"rollout": {"dry_run": false, "started_at": started_at}}
	findings := friday.deny with input as document
	said := {finding.message | some finding in findings}
}

test_friday_afternoon_denied if {
	messages("2026-11-27T14:05:00Z") == {"the rollout started on a Friday at 15:05, Berlin time"}
}

test_friday_before_three_allowed if {
	messages("2026-11-27T13:59:59Z") == set()
}

test_summer_time_counts if {
	messages("2026-07-03T12:59:59Z") == set()
	messages("2026-07-03T13:00:00Z") == {"the rollout started on a Friday at 15:00, Berlin time"}
}

test_day_is_that_of_berlin if {
	messages("2026-11-27T23:30:00Z") == set()
	messages("2026-11-26T23:30:00-09:00") == set()
}

test_other_days_allowed if {
	messages("2026-11-26T18:00:00Z") == set()
	messages("2026-11-28T18:00:00Z") == set()
}

test_dry_run_silent if {
	dry := {"rollout": {"dry_run": true, "started_at": "2026-11-27T14:05:00Z"}}
	count(friday.deny) == 0 with input as dry
}

test_halts if {
	late := {"rollout": {"dry_run": false, "started_at": "2026-11-27T14:05:00Z"}}
	count(friday.halt) == 1 with input as late
}
