"""The locked packages: who asks for each, and under which licence it comes."""
