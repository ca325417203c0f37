# METADATA
# title: Parameters
# description: The values of the parameters that policies declare; none where nobody gives them.
package rollproof.lib.params

default given := {}

given := values if values := data.rollproof.params

# A parameter's value, or what stands for it where it has none.
value(name, fallback) := object.get(given, name, fallback)
