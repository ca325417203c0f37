# METADATA
# title: Calls
# description: How the calls to the control plane ended. Only HTTP 200 with ok exactly true and a well-formed answer succeeds.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.calls

# The last attempt of each call. A long rollout makes thousands of calls, so each is looked at once.
latest := [call.attempts[count(call.attempts) - 1] | some call in input.calls]

# By the index in input.calls.
ended := {i | some i, attempt in latest; attempt.last}

succeeded := {i |
	some i, call in input.calls
	call.ok == true
	attempt := latest[i]
	attempt.status == 200
	attempt.last
	not attempt.malformed
}

# Where a call was made again, after an interruption, the latest decides.
superseded contains i if {
	some i in (ended - succeeded)
	some j, later in input.calls
	j > i
	later.tenants == input.calls[i].tenants
}

failed contains i if some i in ((ended - succeeded) - superseded)

# While a rollout is driven, cohorts that no call has named yet are not judged.
unnamed contains i if {
	input.rollout.outcome == "running"
	some i, cohort in input.cohorts
	count(cohort.rows) == 0
	not cohort.call
}

# Why no row answers for a cohort that has none.
why_unreached(cohort) := "skipped" if {
	cohort.call in succeeded
} else := "call_failed" if {
	cohort.call in ended
} else := "in_flight" if {
	cohort.call
} else := "not_called" if {
	count(input.calls) > 0
} else := "skipped"
