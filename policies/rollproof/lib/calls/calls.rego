# METADATA
# title: Calls
# description: Computes how each call ended. Only HTTP 200 with ok exactly true and a well-formed answer is a success.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.calls

# The last attempt of each call. A long rollout makes thousands of calls, so each is read once.
last_attempts := [call.attempts[count(call.attempts) - 1] | some call in input.calls]

# The calls that ended, as indices into input.calls; the sets below hold such indices too.
ended := {i | some i, attempt in last_attempts; attempt.last}

succeeded := {i |
	some i, call in input.calls
	call.ok == true
	attempt := last_attempts[i]
	attempt.status == 200
	attempt.last
	not attempt.malformed
}

# If a call was repeated after an interruption, the latest one decides.
superseded contains i if {
	some i in (ended - succeeded)
	some j, later in input.calls
	j > i
	later.tenants == input.calls[i].tenants
}

failed contains i if some i in ((ended - succeeded) - superseded)

# While a rollout is running, cohorts that no call has named yet are not evaluated.
not_yet_called contains i if {
	input.rollout.outcome == "running"
	some i, cohort in input.cohorts
	count(cohort.rows) == 0
	not cohort.call
}

# The reason why a cohort has no rows.
unreached_reason(cohort) := "skipped" if {
	cohort.call in succeeded
} else := "call_failed" if {
	cohort.call in ended
} else := "in_flight" if {
	cohort.call
} else := "not_called" if {
	count(input.calls) > 0
} else := "skipped"
