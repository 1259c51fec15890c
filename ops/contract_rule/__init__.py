"""The contracts of the last release and of now → what changed, and what of it breaks others."""
