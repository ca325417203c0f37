package rollproof.gates_test

import data.rollproof.gates

test_disabled_plan_denies if {
	findings := gates.deny with input as {"gates": {"plan_disabled": "PROD_AUTO_DEPLOY_DISABLED=true"}}
	{finding.code | some finding in findings} == {"gates.disabled"}
	{finding.message | some finding in findings} == {"the plan is disabled: PROD_AUTO_DEPLOY_DISABLED=true"}
}

test_enabled_plan_says_nothing if {
	count(gates.deny) == 0 with input as {}
	count(gates.deny) == 0 with input as {"gates": {}}
}
