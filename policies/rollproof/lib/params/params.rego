# METADATA
# title: Parameters
# description: Reads the values of declared parameters.
package rollproof.lib.params

default given := {}

given := values if values := data.rollproof.params

# The value of a parameter, or the fallback if it has none.
value(name, fallback) := object.get(given, name, fallback)
