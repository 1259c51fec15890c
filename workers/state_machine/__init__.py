"""Verified updates → status events and anomalies: decisions read from the provider's table.

`snapshot` and `decide` are pure; `partition_state` holds the snapshots of one partition;
`changelog` reads them back. A decision never reads the clock: "now" is the update's `received_at`.
"""
