package examples.pace_test

import data.examples.pace

# A rollout whose calls took so many seconds, behind a plan call that took long too.
document(seconds) := {"calls": array.concat([call("plan", 400, [])], [call("batch", taken, [sprintf("t%d", [i])]) |
	some i, taken in seconds
])}

call(purpose, seconds, tenants) := {
	"purpose": purpose,
	"tenants": tenants,
	"attempts": [
		{"status": 502, "duration_ms": 1000, "last": false},
		{"status": 200, "duration_ms": (seconds - 1) * 1000, "last": true},
	],
	"ok": true,
}

found(seconds) := places if {
	said := pace.halt with input as document(seconds)
	places := {[finding.at, finding.tenants] | some finding in said}
}

test_three_slow_calls_halt if found([301, 301, 301]) == {["/calls/1", {"t0", "t1", "t2"}]}

test_three_hundred_seconds_are_not_slow if found([300, 300, 300]) == set()

test_two_slow_calls_do_not_halt if found([301, 301]) == set()

test_a_quick_call_between_them_counts if found([301, 301, 10, 301, 301]) == set()

test_the_first_run_is_named if found([10, 301, 301, 301, 301]) == {["/calls/2", {"t1", "t2", "t3"}]}

test_the_limit_is_a_parameter if {
	said := pace.halt with input as document([2, 2, 2]) with data.rollproof.params as {"slow_call_seconds": 1.5}
	{finding.code | some finding in said} == {"pace.slow"}
}

test_it_is_said_behind_the_rollout_too if {
	said := pace.warn with input as document([301, 301, 301])
	{finding.code | some finding in said} == {"pace.slow"}
}
