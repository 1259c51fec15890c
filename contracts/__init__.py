"""What crosses a boundary of Esito: record shapes, topic names, codes, one file per provider.

Rules: pydantic and the standard library only; no I/O, no clock, no cryptography, no XML.
Everything here can be imported anywhere, so nothing here may decide anything at import.
"""
