"""A Merkle tree as RFC 9162 (section 2.1) hashes it: its root, and the proof that one leaf is in it.

Hashes stand one after the other in one piece of bytes, 32 each: a tree of some millions of leaves is then a few
pieces, and not millions of objects. What a leaf is of is settled in `rows`.
"""

import hashlib
from collections.abc import Iterable, Sequence

HASH = 32
"""Bytes of a hash."""
_LEAF, _NODE = b"\0", b"\1"


def leaf_hash(leaf: bytes) -> bytes:
    """Hash what stands at a leaf."""
    return hashlib.sha256(_LEAF + leaf).digest()


def root_of(level: bytes) -> bytes:
    """Give the root of a tree from the hashes of its leaves; that of a tree without any is the hash of nothing.

    The RFC splits leaves at the largest power of two; pairing them level by level, and taking up the last one alone
    where it has no neighbour, gives the same tree.
    """
    while len(level) > HASH:
        level = _above(level)
    return level or hashlib.sha256().digest()


def root_of_parts(parts: Iterable[bytes]) -> bytes:
    """Give the root from the hashes of the leaves in parts: all but the last of the same power of two of leaves."""
    return root_of(b"".join(map(root_of, parts)))


def levels_of(leaves: bytes) -> list[bytes]:
    """Give all levels of a tree, that of the leaves first and the root last."""
    levels = [leaves]
    while len(levels[-1]) > HASH:
        levels.append(_above(levels[-1]))
    return levels


def inclusion_proof(levels: Sequence[bytes], index: int) -> list[bytes]:
    """Give the hashes that lead from the leaf at `index`, counted from 0, to the root, the lowest first."""
    proof = []
    for level in levels[:-1]:
        beside = (index ^ 1) * HASH
        if beside < len(level):
            proof.append(level[beside : beside + HASH])
        index >>= 1
    return proof


def root_by_proof(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Give the root that a proof leads to from the hash of a leaf, at `index` of `size` leaves (RFC 9162, 2.1.3.2).

    None where the proof has not as many hashes as one of that leaf has.
    """
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return None
        if at % 2 or at == last:
            found = _node(beside + found)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found + beside)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def _above(level: bytes) -> bytes:
    paired = len(level) // (2 * HASH) * 2 * HASH
    nodes = [_node(level[at : at + 2 * HASH]) for at in range(0, paired, 2 * HASH)]
    return b"".join(nodes) + level[paired:]


def _node(both: bytes) -> bytes:
    return hashlib.sha256(_NODE + both).digest()
