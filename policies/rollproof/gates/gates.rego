# METADATA
# title: Gates
# description: What has to hold before anything is rolled out.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   waivable: false
package rollproof.gates

# METADATA
# title: Disabled
# description: The plan is disabled, so nothing was called.
# custom:
#   codes: [gates.disabled]
#   remedy: Take back what disabled it, and plan the rollout anew.
deny contains finding if {
	reason := input.gates.plan_disabled
	finding := {
		"code": "gates.disabled",
		"message": sprintf("the plan is disabled: %s", [reason]),
		"at": "/gates/plan_disabled",
	}
}
