package examples.pace_test

import data.examples.pace

# A rollout whose calls took these numbers of seconds, after a slow plan call.
document(seconds) := {"calls": array.concat([call("plan", 400, [])], [call("batch", duration, [sprintf("t%d", [i])]) |
	some i, duration in seconds
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
	findings := pace.halt with input as document(seconds)
	places := {[finding.at, finding.tenants] | some finding in findings}
}

test_three_slow_calls_halt if found([301, 301, 301]) == {["/calls/1", {"t0", "t1", "t2"}]}

test_calls_at_the_limit_silent if found([300, 300, 300]) == set()

test_two_slow_calls_silent if found([301, 301]) == set()

test_fast_call_ends_the_run if found([301, 301, 10, 301, 301]) == set()

test_first_run_is_reported if found([10, 301, 301, 301, 301]) == {["/calls/2", {"t1", "t2", "t3"}]}

test_limit_is_a_parameter if {
	findings := pace.halt with input as document([2, 2, 2]) with data.rollproof.params as {"slow_call_seconds": 1.5}
	{finding.code | some finding in findings} == {"pace.slow"}
}

test_slow_calls_are_warned_too if {
	findings := pace.warn with input as document([301, 301, 301])
	{finding.code | some finding in findings} == {"pace.slow"}
}
