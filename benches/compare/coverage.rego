# The coverage check on the raw rows, as a team would write it for opa or conftest. `input` is the response; the fleet and the plan are data.
#
#   opa eval --format json --data coverage.rego --data fleet.json --data plan.json --input response.json data.compare.stragglers
#   conftest test --output json --namespace compare --policy coverage.rego --data fleet.json --data plan.json response.json
package compare

enumerated := {row.slug | some row in data.results}

proven contains row.slug if {
	some row in input.results
	object.get(row, "ssm_status", "") != "DryRun"
	object.get(row, "verified_on_target", true) == true
}

stragglers := enumerated - proven

deny contains finding if {
	count(stragglers) > object.get(data.body, "max_stragglers", 0)
	some tenant in stragglers
	finding := {"msg": sprintf("%s is not verified on target", [tenant]), "tenant": tenant}
}
