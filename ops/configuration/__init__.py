"""A configuration → what it names and demands, and all that is wrong with it."""
