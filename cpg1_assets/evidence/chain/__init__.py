"""What cannot be taken back: seals, sign-offs, reopenings, signatures, in one chain.

Not here: looking whether it still holds.
"""
