"""Public bodies, the delivery system and readers of streams: a road, and not callbacks alone."""
