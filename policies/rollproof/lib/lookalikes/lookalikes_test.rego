package rollproof.lib.lookalikes_test

import data.rollproof.lib.lookalikes

south := {"name": "South", "tenant": "south", "differs_in": ["case"]}

document(list) := {
	"fleet": {"source": "file", "tenants": 2, "lookalikes": list},
	"cohorts": [
		{"planned": true, "tenants": ["south", "west"], "rows": []},
		{"planned": false, "tenants": ["South"], "rows": [{}]},
	],
}

test_no_lookalikes_give_no_hint if {
	lookalikes.hint(["South"]) == "" with input as {"fleet": {"source": "file", "tenants": 2}, "cohorts": []}
	lookalikes.hint_of_tenants(["south"]) == "" with input as document([])
	lookalikes.in_fleet == [] with input as document([south])
}

test_hint_names_both_and_what_they_differ_in if {
	lookalikes.hint(["South", "north"]) == "; South differs only in case from south" with input as document([south])
	lookalikes.hint_of_tenants({"south"}) == "; South differs only in case from south" with input as document([south])
	lookalikes.hint(["north"]) == "" with input as document([south])
}

test_hint_names_every_difference if {
	both := object.union(south, {"differs_in": ["case", "invisible_characters"]})
	hint := lookalikes.hint(["South"]) with input as document([both])
	hint == "; South differs only in case and invisible characters from south"
}

test_hint_is_short if {
	names := ["SOUTH", "South", "sOuth", "soUth", "souTh"]
	list := [object.union(south, {"name": name}) | some name in names]
	hint := lookalikes.hint(names) with input as document(list)
	endswith(hint, "; and 2 more look alike")
}

test_tenants_of_the_fleet_look_alike if {
	west := {"name": "west", "tenant": "south", "differs_in": ["unicode_form"]}
	lookalikes.in_fleet == [west] with input as document([south, west])
}
