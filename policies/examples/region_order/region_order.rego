# METADATA
# title: Region order
# description: Every tenant of the first region is proven before a tenant of another region is called.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [labels.region]
#   params:
#     first_region:
#       type: string
#       default: eu
#       description: The region whose tenants go first, as the label `region` of the fleet names it.
#   remedy: Order the control plane's fleet by region. If a tenant of the first region is not proven, repair it first.
package examples.region_order

import data.rollproof.lib.fleet
import data.rollproof.lib.params
import data.rollproof.lib.proof

first_region := params.value("first_region", "eu")

# The tenants of the first region that are not proven.
waiting contains tenant if {
	some i in (fleet.planned - proof.proven)
	input.cohorts[i].labels.region == first_region
	some tenant in input.cohorts[i].tenants
}

# The tenants of other regions that the next call names.
early contains tenant if {
	some tenant in input.rollout.next.tenants
	some i in fleet.planned
	input.cohorts[i].labels.region != first_region
	tenant in input.cohorts[i].tenants
}

# METADATA
# title: Called too early
# description: The next call names tenants of another region, and tenants of the first region are not proven.
# custom:
#   codes: [region_order.early]
halt contains finding if {
	count(waiting) > 0
	count(early) > 0
	finding := {
		"code": "region_order.early",
		"message": sprintf("the next call names %s, and %s of %s: not proven yet", [
			concat(", ", sort(early)),
			concat(", ", sort(waiting)),
			first_region,
		]),
		"tenants": early,
	}
}
