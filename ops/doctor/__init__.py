"""Configuration and cluster → findings: what would go wrong here, and what to do about it.

Harmless by rule: nothing is written to a topic, no group is joined, no transactional id is used.
"""
