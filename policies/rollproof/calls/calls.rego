# METADATA
# title: Calls
# description: Every call to the control plane succeeded. Only ok that is exactly true is a success.
# schemas:
#   - input: schema["document.schema"]
package rollproof.calls

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
