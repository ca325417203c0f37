package rollproof.lib.text_test

import data.rollproof.lib.text

test_tenants_are_counted if {
	text.tenants_are(1) == "1 tenant is"
	text.tenants_are(2) == "2 tenants are"
}

test_plural_of_one if text.plural(1, "tenant is", "tenants are") == "1 tenant is"

test_plural_of_none if text.plural(0, "tenant is", "tenants are") == "0 tenants are"

test_plural_of_several if text.plural(3, "tenant is", "tenants are") == "3 tenants are"

test_ten_names_are_all_listed if {
	listed := text.names(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
	listed == "a, b, c, d, e, f, g, h, i, j"
}

test_eleven_names_are_shortened if {
	listed := text.names(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"])
	listed == "a, b, c, d, e, f, g, h, i, j and 1 more"
}

test_twelve_names_are_shortened if {
	listed := text.names(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"])
	listed == "a, b, c, d, e, f, g, h, i, j and 2 more"
}
