# METADATA
# title: Pace
# description: The rollout halts after three slow calls in a row, because the control plane may be overloaded.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   params:
#     slow_call_seconds:
#       type: number
#       default: 300
#       minimum: 0
#       description: A call is slow if all of its attempts together take longer than this.
#   remedy: Check the control plane's load. Plan the rollout again when its calls are fast.
package examples.pace

import data.rollproof.lib.params

# The calls that redeploy tenants, as indices into input.calls, in order.
calls := [i | some i, call in input.calls; call.purpose != "plan"]

slow contains i if {
	limit := params.value("slow_call_seconds", 300) * 1000
	some i in calls
	sum([attempt.duration_ms | some attempt in input.calls[i].attempts]) > limit
}

# Each run of three slow calls, as the position of its first call in `calls`.
slow_runs contains position if {
	some position, first in calls
	first in slow
	calls[position + 1] in slow
	calls[position + 2] in slow
}

# METADATA
# title: Three slow calls in a row
# description: No tenant is called after three slow calls in a row.
# custom:
#   codes: [pace.slow]
halt contains finding if some finding in slow_finding

# METADATA
# title: Three slow calls in a row
# description: Three calls in a row took longer than the parameter slow_call_seconds allows.
# custom:
#   codes: [pace.slow]
warn contains finding if some finding in slow_finding

slow_finding contains finding if {
	count(slow_runs) > 0
	position := min(slow_runs)
	seconds := params.value("slow_call_seconds", 300)
	tenants := {tenant | some i in array.slice(calls, position, position + 3); some tenant in input.calls[i].tenants}
	finding := {
		"code": "pace.slow",
		"message": sprintf("three calls in a row took more than %v s each", [seconds]),
		"tenants": tenants,
		"at": sprintf("/calls/%d", [calls[position]]),
	}
}
