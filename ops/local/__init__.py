"""A whole Esito on one machine: its files, its processes, and what a person tries it with."""
