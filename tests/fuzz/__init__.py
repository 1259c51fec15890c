"""Hostile bytes → a verdict: every decoder and verifier fails only in the way that it declares.

`python -m tests.fuzz --help` explains the runs; `targets` has one target for each place where bytes
of a stranger come in. A run is several processes: this one watches, each target has its own.
"""
