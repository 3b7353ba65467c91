"""The tree of rows is that of RFC 9162: one root for the rows in their order, and a proof for each that fits no other."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.evidence.row_tree.tree import (
    inclusion_proof,
    leaf_hash,
    levels_of,
    root_by_proof,
    root_of,
    root_of_parts,
)

LEAVES = st.lists(st.binary(max_size=3), min_size=1, max_size=70)


def by_the_rfc(leaves: list[bytes]) -> bytes:
    """Compute the root as section 2.1.1 of RFC 9162 defines it, by recursion."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    both = by_the_rfc(leaves[:split]) + by_the_rfc(leaves[split:])
    return hashlib.sha256(b"\1" + both).digest()


def hashed(leaves: list[bytes]) -> bytes:
    return b"".join(map(leaf_hash, leaves))


def test_the_root_is_the_published_one_of_certificate_transparency() -> None:
    # The leaves and roots that the project Certificate Transparency tests its own code with.
    leaves = [
        bytes.fromhex(said)
        for said in (
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        )
    ]  # fmt: skip
    assert root_of(b"").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (
        root_of(hashed(leaves[:1])).hex()
        == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert root_of(hashed(leaves)).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(LEAVES)
def test_the_root_is_that_of_the_rfc_also_in_parts(leaves: list[bytes]) -> None:
    root = by_the_rfc(leaves)
    assert root_of(hashed(leaves)) == root
    for part in (1, 2, 8):
        parts = (hashed(leaves[at : at + part]) for at in range(0, len(leaves), part))
        assert root_of_parts(parts) == root


@given(LEAVES, st.data())
def test_a_proof_leads_to_the_root_from_its_leaf_at_its_place_only(
    leaves: list[bytes], data: st.DataObject
) -> None:
    levels, size = levels_of(hashed(leaves)), len(leaves)
    index = data.draw(st.integers(0, size - 1))
    leaf, proof, root = leaf_hash(leaves[index]), inclusion_proof(levels, index), levels[-1]
    assert root_by_proof(leaf, index, size, proof) == root
    assert root_by_proof(leaf_hash(leaves[index] + b"x"), index, size, proof) != root
    other = data.draw(st.integers(0, size - 1))
    if leaves[other] != leaves[index]:
        assert root_by_proof(leaf, other, size, proof) != root
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
        assert root_by_proof(leaf, index, size, changed) != root
        assert root_by_proof(leaf, index, size, proof[:-1]) != root
    assert root_by_proof(leaf, index, size, [*proof, leaf]) is None


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_a_place_that_is_not_in_the_tree(index: int, size: int) -> None:
    assert root_by_proof(leaf_hash(b""), index, size, []) is None
