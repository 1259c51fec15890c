"""A remote stream of SEND → raw records: what is stored in Kafka is acknowledged, and no sooner.

No position is kept here. The remote keeps an event until somebody asks for what comes after it, so
whoever begins anew is given the oldest one that was never acknowledged; what was stored already is
stored again, and is a duplicate by its fact.
"""
