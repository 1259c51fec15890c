"""Contracts and catalogues → documents: each module renders one kind of file, as text. Pure."""
