# METADATA
# title: Gold tenants
# description: Every tenant of the gold tier is verified and healthy. An assumed proof or an unknown health is not enough.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [labels.tier]
#   remedy: Check these tenants first. The tolerance does not cover them.
package examples.gold

import data.rollproof.lib.fleet
import data.rollproof.lib.proof
import data.rollproof.lib.text

# The cohorts of the gold tier. `fleet.asserted` is empty in a dry run, and omits tenants that are not called yet.
in_tier contains i if {
	some i in fleet.asserted
	input.cohorts[i].labels.tier == "gold"
}

healthy := {i | some i, row in proof.deciding_rows; row.healthz_ok == true}

# METADATA
# title: Unverified gold tenants
# description: The row that decides does not have verified_on_target true.
# custom:
#   codes: [gold.unverified]
deny contains finding if {
	unverified := {i | some i in in_tier; proof.states[i] != "verified"}
	count(unverified) > 0
	finding := {
		"code": "gold.unverified",
		"message": sprintf("%s of the gold tier and not verified", [text.tenants_are(fleet.size(unverified))]),
		"tenants": fleet.tenants(unverified),
	}
}

# METADATA
# title: Unhealthy gold tenants
# description: The row that decides does not report that the tenant is healthy.
# custom:
#   codes: [gold.unhealthy]
deny contains finding if {
	unhealthy := in_tier - healthy
	count(unhealthy) > 0
	finding := {
		"code": "gold.unhealthy",
		"message": sprintf("%s of the gold tier and not known to be healthy", [text.tenants_are(fleet.size(unhealthy))]),
		"tenants": fleet.tenants(unhealthy),
	}
}
