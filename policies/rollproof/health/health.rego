# METADATA
# title: Health
# description: Every tenant that is proven on the target is healthy. A row without a health result is not evaluated.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   params:
#     allow_unhealthy:
#       type: boolean
#       default: false
#       description: Warn about proven tenants that are not healthy, instead of denying.
#   remedy: Check the health of these tenants. They run the new build, and their health check fails.
package rollproof.health

import data.rollproof.lib.fleet
import data.rollproof.lib.params
import data.rollproof.lib.proof
import data.rollproof.lib.text

proven := fleet.asserted & proof.proven

# The cohorts that are proven and not healthy, as indices into input.cohorts.
unhealthy contains i if {
	some i in proven
	proof.deciding_rows[i].healthz_ok == false
}

# A mapping looked for a health result and found none.
unhealthy contains i if {
	"healthz_ok" in input.mapping.fields
	some i in proven
	object.get(proof.deciding_rows[i], "healthz_ok", null) == null
}

# METADATA
# title: Unhealthy tenants
# description: These tenants are proven, and their health check fails.
# custom:
#   codes: [health.unhealthy]
deny contains finding if {
	not params.value("allow_unhealthy", false)
	some finding in unhealthy_finding
}

# METADATA
# title: Unhealthy tenants
# description: These tenants are proven, and their health check fails. The parameter allow_unhealthy makes this a warning.
# custom:
#   codes: [health.unhealthy]
warn contains finding if {
	params.value("allow_unhealthy", false)
	some finding in unhealthy_finding
}

# METADATA
# title: Too many unhealthy tenants
# description: More of the called tenants are unhealthy than are tolerated, so no further tenant is called.
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
