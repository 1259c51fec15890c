"""Members of an ISO 20022 message, from JSON or XML → what it says of each transaction.

Rules: the two syntaxes give the same fields; a shape that the standard forbids but that can be
read in one way only is read, and becomes a finding; names, accounts and free text are never taken
over. The messages are pain.014 (a status report) and camt.029 (a resolution of a cancellation).
"""
