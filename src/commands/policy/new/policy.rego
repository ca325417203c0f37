# METADATA
# title: Unhealthy tenants of a tier
# description: Every tenant of one tier answers its health check, where it answers one at all.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [labels.tier]
#   params:
#     {name}_tier:
#       type: string
#       default: gold
#       description: The tier whose tenants have to be healthy.
#   remedy: Look at these tenants before anything else is rolled out.
package {package}

# METADATA
# title: Unhealthy tenants of the tier
# description: The last row of these tenants says that their health check fails.
# custom:
#   codes: [{name}.unhealthy]
deny contains finding if {
	not input.rollout.dry_run
	tier := data.rollproof.params.{name}_tier
	some i, cohort in input.cohorts
	cohort.labels.tier == tier
	last := cohort.rows[count(cohort.rows) - 1]
	last.healthz_ok == false
	finding := {
		"code": "{name}.unhealthy",
		"message": sprintf("tenants of the tier %s are not healthy: %d", [tier, count(cohort.tenants)]),
		"tenants": cohort.tenants,
		"observed": {"healthz_ok": false},
		"expected": {"healthz_ok": true},
		"at": sprintf("/cohorts/%d", [i]),
	}
}
