package rollproof.lib.text_test

import data.rollproof.lib.text

test_tenants_are_counted if {
	text.tenants_are(1) == "1 tenant is"
	text.tenants_are(2) == "2 tenants are"
}

test_plural_one if text.plural(1, "tenant is", "tenants are") == "1 tenant is"

test_plural_none if text.plural(0, "tenant is", "tenants are") == "0 tenants are"

test_plural_many if text.plural(3, "tenant is", "tenants are") == "3 tenants are"

test_names_of_ten_is_whole if {
	words := text.names(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
	words == "a, b, c, d, e, f, g, h, i, j"
}

test_names_of_eleven_is_cut if {
	words := text.names(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"])
	words == "a, b, c, d, e, f, g, h, i, j and 1 more"
}

test_names_of_more_is_cut if {
	words := text.names(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"])
	words == "a, b, c, d, e, f, g, h, i, j and 2 more"
}
