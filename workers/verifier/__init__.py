"""Raw records → verified updates: prove who vouches for the bytes, decode and translate them.

The types carry the proof: RawCallback → SignedBytes → SignedFields → VerifiedUpdate. This package
alone makes the middle two.
"""
