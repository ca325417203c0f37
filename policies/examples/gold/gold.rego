# METADATA
# title: Gold tenants
# description: A tenant of the gold tier is healthy and truly verified. An assumed proof and an unknown health are not enough.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [labels.tier]
#   remedy: Look at these tenants before anybody else's; the tolerance does not cover them.
package examples.gold

import data.rollproof.lib.fleet
import data.rollproof.lib.proof
import data.rollproof.lib.text

# Silent in a dry run, and about tenants that a running rollout has not called yet.
of_tier contains i if {
	some i in fleet.asserted
	input.cohorts[i].labels.tier == "gold"
}

healthy := {i | some i, row in proof.counting; row.healthz_ok == true}

# METADATA
# title: Unverified gold tenants
# description: No row that counts says verified_on_target of them.
# custom:
#   codes: [gold.unverified]
deny contains finding if {
	unverified := of_tier - proof.in_state.verified
	count(unverified) > 0
	finding := {
		"code": "gold.unverified",
		"message": sprintf("%s of the gold tier and not verified", [text.tenants_are(fleet.size(unverified))]),
		"tenants": fleet.tenants(unverified),
	}
}

# METADATA
# title: Unhealthy gold tenants
# description: Their row that counts does not say that they are healthy.
# custom:
#   codes: [gold.unhealthy]
deny contains finding if {
	unhealthy := of_tier - healthy
	count(unhealthy) > 0
	finding := {
		"code": "gold.unhealthy",
		"message": sprintf("%s of the gold tier and not known to be healthy", [text.tenants_are(fleet.size(unhealthy))]),
		"tenants": fleet.tenants(unhealthy),
	}
}
