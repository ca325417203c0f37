# METADATA
# title: Proof
# description: No tenant is proven by an assumption.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   remedy: Upgrade the control plane.
package bench.proof

import data.rollproof.lib.fleet
import data.rollproof.lib.proof

warn contains finding if {
	tenants := fleet.tenants({i | some i, state in proof.states; state == "assumed"})
	count(tenants) > 0
	finding := {"code": "bench.proof.assumed", "message": "tenants are assumed to be proven", "tenants": tenants}
}
