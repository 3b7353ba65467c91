"""Numbers drawn from a digest: the same digest gives the same numbers, on every machine and version of Python."""

import hashlib


class Draws:
    """A sequence of numbers that a seed decides, and nobody knows before it."""

    def __init__(self, seed: str, *names: str) -> None:
        """Begin the sequence of `seed` and of what it is drawn for, so that sequences do not depend on each other."""
        self._seed = "\x1e".join((seed, *names)).encode()
        self._drawn = 0

    def number(self, first: int, last: int) -> int:
        """Draw a whole number from `first` to `last`, both included."""
        self._drawn += 1
        digest = hashlib.sha256(self._seed + b"\x1e" + str(self._drawn).encode()).digest()
        return first + int.from_bytes(digest) % (last - first + 1)
