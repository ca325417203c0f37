# METADATA
# title: Regions
# description: Only a small percentage of each region's tenants may be stragglers, whatever the tolerance of the whole rollout.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [labels.region]
#   params:
#     max_region_percent:
#       type: integer
#       default: 5
#       minimum: 0
#       description: What percentage of a region's tenants may be stragglers.
#   remedy: Repair this region's stragglers before you roll out again.
package examples.regions

import data.rollproof.lib.fleet
import data.rollproof.lib.params

region_names contains name if {
	some i in fleet.planned
	name := input.cohorts[i].labels.region
}

# The cohorts of the fleet in each region, as indices into input.cohorts.
cohorts_by_region := {name: cohorts |
	some name in region_names
	cohorts := {i | some i in fleet.planned; input.cohorts[i].labels.region == name}
}

# METADATA
# title: Too many stragglers in a region
# description: A higher percentage of a region's tenants are stragglers than the parameter max_region_percent allows.
# custom:
#   codes: [regions.behind]
deny contains finding if {
	some region, cohorts in cohorts_by_region
	straggler_count := fleet.size(cohorts & fleet.straggling)
	tenant_count := fleet.size(cohorts)
	percent := params.value("max_region_percent", 5)
	straggler_count * 100 > percent * tenant_count
	finding := {
		"code": "regions.behind",
		"message": sprintf(
			"%d of %d tenants in %s are stragglers, and at most %d %% may be",
			[straggler_count, tenant_count, region, percent],
		),
		"tenants": fleet.tenants(cohorts & fleet.straggling),
		"observed": {"region": region, "stragglers": straggler_count, "tenants": tenant_count},
		"expected": {"percent_at_most": percent},
	}
}
