package rollproof.lib.params_test

import data.rollproof.lib.params

test_given_value_is_used if params.value("x", 1) == 2 with data.rollproof.params as {"x": 2}

test_fallback_without_value if params.value("x", 1) == 1 with data.rollproof.params as {}

test_fallback_without_parameters if params.value("x", 1) == 1
