"""The words of SEND: a request, an element, a file of metadata → what each must be, and means.

One decision: nothing here looks anything up. What must be looked up is named (contracts/needs.py),
and a rule that fails is a value with SEND's own code. https://github.com/pagopa/pn-delivery
"""
