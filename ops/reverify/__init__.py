"""Raw records → what the verifier would say of them now, beside what it said: the differences.

Nothing is decided here: what shall be decided anew is written to the raw topic again, and goes the
road of every callback.
"""
