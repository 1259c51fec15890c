"""Requests of public bodies → the raw topic: take a request once, or say all that is wrong with it.

One decision: a request is reserved in the database before it is in Kafka, so it is neither lost nor
taken twice (docs/decisions/0027). What becomes of it is the verifier's and the state machine's.
"""
