"""Raw records → verified updates: prove who vouches for the bytes, decode those bytes, translate their words.

The types carry the proof: RawCallback → SignedBytes → SignedFields → VerifiedUpdate. This package alone
makes the middle two.
"""
