"""Stored records → written again to the topic they came from, and what became of them."""
