# What every other stack stands on; applied by hand.
