"""HTTP requests → raw records: authenticate the caller, bound the request, store it, then answer.

Rules: it never parses a body and never imports a payload model, an XML or a JWT library; it answers
2xx only after every in-sync replica has the record.
"""
