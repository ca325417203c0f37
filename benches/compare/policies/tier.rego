# METADATA
# title: Tiers
# description: Every gold tenant is proven.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [labels.tier]
#   remedy: Redeploy these tenants.
package bench.tier

import data.rollproof.lib.fleet
import data.rollproof.lib.proof

gold contains i if {
	some i, cohort in input.cohorts
	cohort.labels.tier == "gold"
}

warn contains finding if {
	tenants := fleet.tenants(gold - proof.proven)
	count(tenants) > 0
	finding := {"code": "bench.tier.unproven", "message": "gold tenants are not proven", "tenants": tenants}
}
