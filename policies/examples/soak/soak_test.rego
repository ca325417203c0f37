package examples.soak_test

import data.examples.soak

canary := {
	"purpose": "canary",
	"tenants": ["acme"],
	"attempts": [{"at": "2026-11-24T11:00:00Z", "duration_ms": 30000, "last": true}],
}

batch(at) := {"purpose": "batch", "tenants": ["bolt"], "attempts": [{"at": at, "last": true}]}

messages(calls) := said if {
	findings := soak.deny with input as {"rollout": {"dry_run": false}, "calls": calls}
	said := {finding.message | some finding in findings}
}

halted(rollout, calls) if {
	count(soak.halt) > 0 with input as {"rollout": rollout, "calls": calls}
}

test_ten_minutes_allowed if {
	messages([canary, batch("2026-11-24T11:10:30Z")]) == set()
}

test_less_denied if {
	messages([canary, batch("2026-11-24T11:10:29Z")]) == {"the canary soaked for 599 s, and 600 s are required"}
}

test_parameter_allows_less if {
	said := messages([canary, batch("2026-11-24T11:01:00Z")]) with data.rollproof.params as {"min_soak_seconds": 30}
	said == set()
}

test_canary_alone_silent if {
	messages([canary]) == set()
	messages([batch("2026-11-24T11:01:00Z")]) == set()
}

test_dry_run_silent if {
	document := {"rollout": {"dry_run": true}, "calls": [canary, batch("2026-11-24T11:01:00Z")]}
	count(soak.deny) == 0 with input as document
}

test_short_plan_halts_before_a_batch if {
	next := {"purpose": "batch", "tenants": ["bolt"]}
	halted({"dry_run": false, "soak_seconds": 599, "next": next}, [canary])
	halted({"dry_run": false, "next": next}, [canary])
	not halted({"dry_run": false, "soak_seconds": 600, "next": next}, [canary])
}

test_short_plan_lets_the_canary_be_called if {
	next := {"purpose": "canary", "tenants": ["acme"]}
	not halted({"dry_run": false, "soak_seconds": 0, "next": next}, [])
}

test_rollout_without_canary_silent if {
	next := {"purpose": "batch", "tenants": ["bolt"]}
	not halted({"dry_run": false, "soak_seconds": 0, "next": next}, [])
}
