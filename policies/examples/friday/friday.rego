# METADATA
# title: Friday afternoon
# description: No rollout starts on a Friday after 15:00, Berlin time.
# schemas:
#   - input: schema["document.schema"]
# custom:
#   needs: [rollout.started_at]
#   remedy: Roll out on Monday.
package examples.friday

berlin := [time.parse_rfc3339_ns(input.rollout.started_at), "Europe/Berlin"]

is_late if {
	time.weekday(berlin) == "Friday"
	time.clock(berlin)[0] >= 15
}

# METADATA
# title: Rollout on a Friday afternoon
# description: The rollout started on a Friday at or after 15:00, Berlin time.
# custom:
#   codes: [friday.late]
deny contains finding if {
	not input.rollout.dry_run
	is_late
	[hour, minute, _] := time.clock(berlin)
	finding := {
		"code": "friday.late",
		"message": sprintf("the rollout started on a Friday at %02d:%02d, Berlin time", [hour, minute]),
		"at": "/rollout/started_at",
	}
}

# METADATA
# title: Halt on a Friday afternoon
# description: No tenant is called.
# custom:
#   codes: [friday.late]
halt contains finding if some finding in deny
