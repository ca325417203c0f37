# METADATA
# title: Tier health
# description: At most 2 % of the tenants of any tier are unhealthy.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [labels.tier]
#   params:
#     unhealthy_percent:
#       type: number
#       default: 2
#       minimum: 0
#       description: How many percent of a tier may be unhealthy.
#   remedy: Repair the tenants that are named, then roll out again.
package examples.tier_health

import data.rollproof.lib.params

members[tier] contains tenant if {
	some cohort in input.cohorts
	cohort.planned
	tier := cohort.labels.tier
	some tenant in cohort.tenants
}

unhealthy[tier] contains tenant if {
	some cohort in input.cohorts
	cohort.planned
	tier := cohort.labels.tier
	cohort.rows[count(cohort.rows) - 1].healthz_ok == false
	some tenant in cohort.tenants
}

# METADATA
# title: Unhealthy tier
# description: More tenants of a tier are unhealthy than the parameter unhealthy_percent allows.
# custom:
#   codes: [tier_health.unhealthy]
deny contains finding if {
	not input.rollout.dry_run
	percent := params.value("unhealthy_percent", 2)
	some tier, tenants in unhealthy
	count(tenants) * 100 > percent * count(members[tier])
	finding := {
		"code": "tier_health.unhealthy",
		"message": sprintf("%d of %d tenants of the tier %s are unhealthy", [count(tenants), count(members[tier]), tier]),
		"tenants": tenants,
	}
}

# METADATA
# title: Halt at an unhealthy tier
# description: No tenant is called once too many of a tier are unhealthy.
# custom:
#   codes: [tier_health.unhealthy]
halt contains finding if some finding in deny
