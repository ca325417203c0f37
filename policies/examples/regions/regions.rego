# METADATA
# title: Regions
# description: A small part of each region's tenants may be stragglers, however many the whole rollout tolerates.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [labels.region]
#   params:
#     max_region_percent:
#       type: integer
#       default: 5
#       minimum: 0
#       description: How many percent of a region's tenants may be stragglers.
#   remedy: Repair this region's stragglers before you roll out again; too little of it runs the target.
package examples.regions

import data.rollproof.lib.fleet
import data.rollproof.lib.params

names contains name if {
	some i in fleet.planned
	name := input.cohorts[i].labels.region
}

# The cohorts of the fleet in each region, by index.
members := {name: cohorts |
	some name in names
	cohorts := {i | some i in fleet.planned; input.cohorts[i].labels.region == name}
}

# METADATA
# title: A region lags behind
# description: More of a region's tenants are stragglers than the parameter max_region_percent allows.
# custom:
#   codes: [regions.behind]
deny contains finding if {
	some region, cohorts in members
	behind := fleet.size(cohorts & fleet.straggling)
	tenants := fleet.size(cohorts)
	percent := params.value("max_region_percent", 5)
	behind * 100 > percent * tenants
	finding := {
		"code": "regions.behind",
		"message": sprintf("%d of %d tenants in %s are stragglers, and at most %d %% may be", [behind, tenants, region, percent]),
		"tenants": fleet.tenants(cohorts & fleet.straggling),
		"observed": {"region": region, "stragglers": behind, "tenants": tenants},
		"expected": {"percent_at_most": percent},
	}
}
