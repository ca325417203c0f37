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

region_of[tenant] := input.cohorts[i].labels.region if {
	some i in fleet.planned
	some tenant in input.cohorts[i].tenants
}

ordered := fleet.in_order(input)

# The places of the first region's tenants in the fleet's own order.
places contains place if {
	some place, tenant in ordered
	region_of[tenant] == first_region
}

# The tenants of other regions that stand before the last tenant of the first region.
interleaved := [tenant |
	count(places) > 0
	some place, tenant in ordered
	place < max(places)
	region_of[tenant] != first_region
]

# METADATA
# title: Fleet not in the order of regions
# description: In the fleet's own order, tenants of another region stand before one of the first region.
# custom:
#   codes: [region_order.interleaved]
#   remedy: Order the control plane's fleet by region, the first one first.
warn contains finding if {
	count(interleaved) > 0
	finding := {
		"code": "region_order.interleaved",
		"message": sprintf("in the fleet's order tenants of other regions stand before the last one of %s", [first_region]),
		"tenants": interleaved,
	}
}
