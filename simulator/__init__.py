"""Seed and faults → callbacks over HTTP: every provider played for real, the outcome known before.

Rules: the plan is made before the first callback is sent, and says for every step what it must lead
to; nothing here asks the state machine's own code. It imports contracts and runtime alone, and the
ingress may not import it.
"""
