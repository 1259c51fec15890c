"""Presentations of the tests, right and wrong in every way, by those who issue and show them."""
