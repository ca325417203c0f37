# METADATA
# title: Health
# description: What runs the target is healthy. A row that does not say says nothing.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   params:
#     allow_unhealthy:
#       type: boolean
#       default: false
#       description: Warn, and do not deny, where a proven tenant reports that it is not healthy.
#   remedy: Look at these tenants' health checks; the new build runs there and does not answer well.
package rollproof.health

import data.rollproof.lib.fleet
import data.rollproof.lib.params
import data.rollproof.lib.proof
import data.rollproof.lib.text

unhealthy contains i if {
	failing := {i | some i, row in proof.counting; row.healthz_ok == false}
	some i in ((failing & fleet.asserted) & proof.proven)
}

# METADATA
# title: Unhealthy tenants
# description: Proven tenants whose health check fails.
# custom:
#   codes: [health.unhealthy]
deny contains finding if {
	not params.value("allow_unhealthy", false)
	some finding in unhealthy_finding
}

# METADATA
# title: Unhealthy tenants
# description: Proven tenants whose health check fails; the parameter allow_unhealthy lets them.
# custom:
#   codes: [health.unhealthy]
warn contains finding if {
	params.value("allow_unhealthy", false)
	some finding in unhealthy_finding
}

# METADATA
# title: Too many unhealthy tenants
# description: More of the tenants that were called are unhealthy than may be tolerated, so no further one is called.
# custom:
#   codes: [health.unhealthy]
halt contains finding if {
	not params.value("allow_unhealthy", false)
	fleet.size(unhealthy) > fleet.tolerated
	some finding in unhealthy_finding
}

unhealthy_finding contains finding if {
	count(unhealthy) > 0
	finding := {
		"code": "health.unhealthy",
		"message": sprintf("%s on %s and not healthy", [text.tenants_are(fleet.size(unhealthy)), fleet.target]),
		"tenants": fleet.tenants(unhealthy),
	}
}

not_applicable := "not reported" if {
	every cohort in input.cohorts {
		every row in cohort.rows {
			not "healthz_ok" in object.keys(row)
		}
	}
}
