"""Measure Esito in one run, side by side: what a machine shares out unequally, a ratio survives."""
