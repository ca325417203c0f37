# METADATA
# title: Calls
# description: Every call to the control plane succeeded. A call succeeds only if ok is exactly true.
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
# description: The archived response does not report success, and its error is not a verdict on coverage.
# custom:
#   codes: [calls.failed]
#   remedy: Find the failed call in the control plane's log. The tenants after it may not have been called.
deny contains finding if {
	archive := input.archive
	not archive.ok == true
	not is_coverage_verdict
	finding := {
		"code": "calls.failed",
		"message": sprintf("the control plane does not call the rollout a success: ok is %s", [ok_text]),
		"observed": error_detail,
		"expected": {"ok": true},
	}
}

# METADATA
# title: Failed call
# description: A call did not end with HTTP 200 and ok exactly true, or its answer was malformed.
# custom:
#   codes: [calls.failed]
#   remedy: Find this call in the control plane's log. The tenants after it were not called.
deny contains finding if {
	some finding in failed_calls
}

# METADATA
# title: Halted rollout
# description: A policy stopped the rollout before every tenant was called.
# custom:
#   codes: [calls.halted]
#   remedy: Fix what halted the rollout, then roll out again. No tenant was called after the halt.
deny contains finding if {
	input.rollout.outcome == "halted"
	is_reported_here
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
#   remedy: Continue the rollout with `rollproof run --resume`.
deny contains finding if {
	input.rollout.outcome in {"interrupted", "running"}
	finding := {
		"code": "calls.interrupted",
		"message": sprintf("the rollout was interrupted after %s", [text.plural(count(input.calls), "call", "calls")]),
	}
}

# METADATA
# title: Unreached tenants
# description: These tenants have no row, because no call named them, or because their call failed or has no recorded end.
# custom:
#   codes: [calls.unreached]
note contains finding if {
	some reason, phrase in {
		"not_called": "never called",
		"call_failed": "named by a call that failed",
		"in_flight": "named by a call that was never seen to end",
	}
	indices := {i |
		some i in (fleet.planned & proof.in_state.unreached)
		calls.unreached_reason(input.cohorts[i]) == reason
	}
	count(indices) > 0
	finding := {
		"code": "calls.unreached",
		"message": sprintf("%s %s", [text.plural(fleet.size(indices), "tenant was", "tenants were"), phrase]),
		"tenants": fleet.tenants(indices),
		"observed": {"reason": reason},
	}
}

# METADATA
# title: Retried calls
# description: These calls took more than one attempt.
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
# description: No tenant is called after a call that failed.
# custom:
#   codes: [calls.failed]
halt contains finding if some finding in failed_calls

# METADATA
# title: Success with an error
# description: A call ended with HTTP 200 and ok exactly true, and its answer has an error. Only ok decides, so this is a warning.
# custom:
#   codes: [calls.contradiction]
#   remedy: Check the control plane's log. What it reports as a success may have failed.
warn contains finding if {
	some i in calls.succeeded
	reported := calls.last_attempts[i].error
	text.is_nonblank(reported)
	call := input.calls[i]
	finding := {
		"code": "calls.contradiction",
		"message": sprintf("the %s call is called a success and reports an error", [call.purpose]),
		"tenants": call.tenants,
		"observed": reported,
		"at": sprintf("/calls/%d", [i]),
	}
}

# METADATA
# title: Success with an error
# description: The archived response has ok exactly true and an error. Only ok decides, so this is a warning.
# custom:
#   codes: [calls.contradiction]
#   remedy: Check the control plane's log. What it reports as a success may have failed.
warn contains finding if {
	input.archive.ok == true
	reported := input.archive.error
	text.is_nonblank(reported)
	finding := {
		"code": "calls.contradiction",
		"message": "the archived response is called a success and reports an error",
		"observed": reported,
		"at": "/archive/error",
	}
}

failed_calls contains finding if {
	some i in calls.failed
	call := input.calls[i]
	attempt := call.attempts[count(call.attempts) - 1]
	attempts := text.plural(count(call.attempts), "attempt", "attempts")
	finding := {
		"code": "calls.failed",
		"message": sprintf("the %s call failed after %s: %s", [call.purpose, attempts, attempt_outcome(attempt)]),
		"tenants": call.tenants,
		"observed": object.union(attempt, object.filter(call, ["ok"])),
		"expected": {"status": 200, "ok": true},
		"at": sprintf("/calls/%d", [i]),
	}
}

# A halt at a gate before the first call is reported by rollproof.gates, or not denied at all if the job was superseded.
is_reported_here if count(input.calls) > 0

is_reported_here if not gates.stopped

attempt_outcome(attempt) := "no answer came" if {
	not attempt.status
} else := sprintf("HTTP %d", [attempt.status]) if {
	attempt.status != 200
} else := "HTTP 200, and the answer is malformed" if {
	attempt.malformed
} else := "HTTP 200, and the answer is not ok or breaks off"

# The archive's error is a verdict on coverage, which rollproof.coverage evaluates again. No call failed.
is_coverage_verdict if {
	is_string(input.archive.error)
	startswith(input.archive.error, "incomplete rollout:")
}

default ok_text := "absent"

ok_text := word if word := sprintf("%v", [input.archive.ok])

# The first text that is not blank, else the value of ok: {"ok": false}, {"ok": null}, or {} if it is absent.
error_detail := reported if {
	reported := input.archive.error
	text.is_nonblank(reported)
} else := reported if {
	reported := input.archive.message
	text.is_nonblank(reported)
} else := reported if {
	reported := object.filter(input.archive, ["ok"])
}

not_applicable := "none made" if {
	count(object.get(input, "calls", [])) == 0
	not input.archive
}
