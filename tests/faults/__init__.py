"""Faults → a history: real processes are killed, stopped and cut off, and a checker judges."""
