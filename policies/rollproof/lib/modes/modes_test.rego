package rollproof.lib.modes_test

import data.rollproof.lib.modes

document := {"rollout": {"started_at": "2026-11-24T11:20:34Z"}}

test_no_policy_reports_without_settings if {
	modes.reporting == {} with input as document
}

test_report_mode_has_its_reason if {
	configured := {"team.tiers": {"mode": "report", "reason": "new"}, "team.regions": {"mode": "off", "reason": "old"}}
	modes.reporting == {"team.tiers": {"reason": "new"}} with input as document
		with data.rollproof.given.modes as {"configured": configured}
}

test_report_mode_without_reason if {
	modes.reporting == {"team.tiers": {}} with input as document
		with data.rollproof.given.modes as {"configured": {"team.tiers": {"mode": "report"}}}
}

test_policy_reports_until_its_effective_day if {
	days := {"team.today": "2026-11-24", "team.tomorrow": "2026-11-25"}
	modes.reporting == {"team.tomorrow": {"effective_from": "2026-11-25"}} with input as document
		with data.rollproof.given.modes as {"effective_from": days}
}
