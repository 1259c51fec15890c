"""The commands of `esito`: what each takes and how it answers; `ops` itself does the work.

Rule: what takes long to import is imported inside the command that needs it, so that `esito --help`
answers at once.
"""
