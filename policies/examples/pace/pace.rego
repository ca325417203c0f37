# METADATA
# title: Pace
# description: Calls that take long one after another are a control plane in trouble; a rollout is not pushed through it.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   params:
#     slow_call_seconds:
#       type: number
#       default: 300
#       minimum: 0
#       description: A call that takes longer, all of its attempts together, is slow.
#   remedy: Look at the control plane's load; the rollout can be planned anew once its calls are quick again.
package examples.pace

import data.rollproof.lib.params

# The calls that redeploy somebody, by index, in order.
calls := [i | some i, call in input.calls; call.purpose != "plan"]

slow contains i if {
	limit := params.value("slow_call_seconds", 300) * 1000
	some i in calls
	sum([attempt.duration_ms | some attempt in input.calls[i].attempts]) > limit
}

# Three slow calls in a row, each as the place of its first in `calls`.
runs contains k if {
	some k, first in calls
	first in slow
	calls[k + 1] in slow
	calls[k + 2] in slow
}

# METADATA
# title: Three slow calls in a row
# description: Nobody is called behind them.
# custom:
#   codes: [pace.slow]
halt contains finding if some finding in slowed_down

# METADATA
# title: Three slow calls in a row
# description: They took longer than the parameter slow_call_seconds allows.
# custom:
#   codes: [pace.slow]
warn contains finding if some finding in slowed_down

slowed_down contains finding if {
	count(runs) > 0
	k := min(runs)
	seconds := params.value("slow_call_seconds", 300)
	named := {tenant | some i in array.slice(calls, k, k + 3); some tenant in input.calls[i].tenants}
	finding := {
		"code": "pace.slow",
		"message": sprintf("three calls in a row took more than %v s each", [seconds]),
		"tenants": named,
		"at": sprintf("/calls/%d", [calls[k]]),
	}
}
