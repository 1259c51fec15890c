"""Records → records, in Kafka transactions: verify what providers sent, decide what it means.

`verifier` turns raw records into verified updates; `state_machine` turns updates into status
events. Both are processors under the one loop of `transaction.py`; neither knows the other.
"""
