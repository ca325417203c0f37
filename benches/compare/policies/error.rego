# METADATA
# title: Errors
# description: No row reports an error about a disk.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   remedy: Free space on these hosts.
package bench.error

warn contains finding if {
	tenants := [tenant |
		some cohort in input.cohorts
		some row in cohort.rows
		contains(row.error, "no space left")
		some tenant in cohort.tenants
	]
	count(tenants) > 0
	finding := {"code": "bench.error.disk", "message": "disks are full", "tenants": tenants}
}
