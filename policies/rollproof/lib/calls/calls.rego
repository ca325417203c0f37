# METADATA
# title: Calls
# description: How the calls to the control plane ended. Only HTTP 200 with ok exactly true and a well-formed answer succeeds.
# schemas:
#   - input: schema["document.schema"]
package rollproof.lib.calls

# By the index in input.calls.
ended contains i if {
	some i, call in input.calls
	call.attempts[count(call.attempts) - 1].last
}

succeeded contains i if {
	some i, call in input.calls
	call.ok == true
	attempt := call.attempts[count(call.attempts) - 1]
	attempt.last
	attempt.status == 200
	not attempt.malformed
}

# Where a call was made again, after an interruption, the latest decides.
superseded contains i if {
	some i, call in input.calls
	not i in succeeded
	some j, later in input.calls
	j > i
	later.tenants == call.tenants
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
