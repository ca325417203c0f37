# METADATA
# title: Calls
# description: Every call to the control plane succeeded. Only ok that is exactly true is a success.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   waivable: false
package rollproof.calls

import data.rollproof.lib.calls
import data.rollproof.lib.fleet
import data.rollproof.lib.gates
import data.rollproof.lib.proof
import data.rollproof.lib.text

# METADATA
# title: Failed call
# description: The archived response is not called a success, and its error is no verdict on coverage.
# custom:
#   codes: [calls.failed]
#   remedy: Look into the control plane's own log for the call that failed; tenants behind it may not have been called.
deny contains finding if {
	archive := input.archive
	not archive.ok == true
	not is_coverage_verdict
	finding := {
		"code": "calls.failed",
		"message": sprintf("the control plane does not call the rollout a success: ok is %s", [said_ok]),
		"observed": detail,
		"expected": {"ok": true},
	}
}

# METADATA
# title: Failed call
# description: A call was not HTTP 200 with ok exactly true, or its answer was malformed.
# custom:
#   codes: [calls.failed]
#   remedy: Look into the control plane's own log for this call; tenants behind it were not called.
deny contains finding if {
	some finding in failures
}

# METADATA
# title: Halted rollout
# description: A policy stopped the rollout before every tenant was called.
# custom:
#   codes: [calls.halted]
#   remedy: Mend what halted it, then roll out again; nothing was called behind it.
deny contains finding if {
	input.rollout.outcome == "halted"
	left_behind
	finding := {
		"code": "calls.halted",
		"message": sprintf("the rollout was halted: %s", [input.rollout.halted_because]),
	}
}

# METADATA
# title: Interrupted rollout
# description: The rollout was stopped from outside before every tenant was called.
# custom:
#   codes: [calls.interrupted]
#   remedy: Go on with it by `rollproof run --resume`.
deny contains finding if {
	input.rollout.outcome in {"interrupted", "running"}
	finding := {
		"code": "calls.interrupted",
		"message": sprintf("the rollout was interrupted after %s", [text.plural(count(input.calls), "call", "calls")]),
	}
}

# METADATA
# title: Unreached tenants
# description: No row answers for these tenants because the rollout never came to them, or their call did not end well.
# custom:
#   codes: [calls.unreached]
note contains finding if {
	some reason, words in {
		"not_called": "never called",
		"call_failed": "named by a call that failed",
		"in_flight": "named by a call that was never seen to end",
	}
	indices := {i |
		some i in (fleet.planned & proof.in_state.unreached)
		calls.why_unreached(input.cohorts[i]) == reason
	}
	count(indices) > 0
	finding := {
		"code": "calls.unreached",
		"message": sprintf("%s %s", [text.plural(fleet.size(indices), "tenant was", "tenants were"), words]),
		"tenants": fleet.tenants(indices),
		"observed": {"reason": reason},
	}
}

# METADATA
# title: Retried calls
# description: Calls that took more than one attempt.
# custom:
#   codes: [calls.retried]
note contains finding if {
	retried := [call | some call in input.calls; count(call.attempts) > 1]
	count(retried) > 0
	finding := {
		"code": "calls.retried",
		"message": sprintf("%s more than one attempt", [text.plural(count(retried), "call took", "calls took")]),
		"tenants": {tenant | some call in retried; some tenant in call.tenants},
	}
}

# METADATA
# title: Halt at a failed call
# description: Nobody is called behind a call that failed.
# custom:
#   codes: [calls.failed]
halt contains finding if some finding in failures

# METADATA
# title: A success that reports an error
# description: A call was HTTP 200 with ok exactly true, and its answer names an error. Only ok decides; nothing is denied.
# custom:
#   codes: [calls.contradiction]
#   remedy: Look into the control plane's own log; what it calls a success may be none.
warn contains finding if {
	some i in calls.succeeded
	said := calls.latest[i].error
	text.is_given(said)
	call := input.calls[i]
	finding := {
		"code": "calls.contradiction",
		"message": sprintf("the %s call is called a success and reports an error", [call.purpose]),
		"tenants": call.tenants,
		"observed": said,
		"at": sprintf("/calls/%d", [i]),
	}
}

# METADATA
# title: A success that reports an error
# description: The archived response says ok and names an error. Only ok decides; nothing is denied.
# custom:
#   codes: [calls.contradiction]
#   remedy: Look into the control plane's own log; what it calls a success may be none.
warn contains finding if {
	input.archive.ok == true
	said := input.archive.error
	text.is_given(said)
	finding := {
		"code": "calls.contradiction",
		"message": "the archived response is called a success and reports an error",
		"observed": said,
		"at": "/archive/error",
	}
}

failures contains finding if {
	some i in calls.failed
	call := input.calls[i]
	attempt := call.attempts[count(call.attempts) - 1]
	tries := text.plural(count(call.attempts), "attempt", "attempts")
	finding := {
		"code": "calls.failed",
		"message": sprintf("the %s call failed after %s: %s", [call.purpose, tries, outcome(attempt)]),
		"tenants": call.tenants,
		"observed": object.union(attempt, object.filter(call, ["ok"])),
		"expected": {"status": 200, "ok": true},
		"at": sprintf("/calls/%d", [i]),
	}
}

# What a gate stopped before the first call is the gate's to deny, or nobody's where the job was superseded.
left_behind if count(input.calls) > 0

left_behind if not gates.stopped

outcome(attempt) := "no answer came" if {
	not attempt.status
} else := sprintf("HTTP %d", [attempt.status]) if {
	attempt.status != 200
} else := "HTTP 200, and the answer is malformed" if {
	attempt.malformed
} else := "HTTP 200, and the answer is not ok or breaks off"

# The gate's own verdict on coverage, which is judged anew; no call failed.
is_coverage_verdict if {
	is_string(input.archive.error)
	startswith(input.archive.error, "incomplete rollout:")
}

default said_ok := "absent"

said_ok := word if word := sprintf("%v", [input.archive.ok])

# The first text that says something, else what ok was: {"ok": false}, {"ok": null}, or {} where it is absent.
detail := said if {
	said := input.archive.error
	text.is_given(said)
} else := said if {
	said := input.archive.message
	text.is_given(said)
} else := said if {
	said := object.filter(input.archive, ["ok"])
}

not_applicable := "none made" if {
	count(object.get(input, "calls", [])) == 0
	not input.archive
}
