"""The tree of RFC 6962 and the checkpoint text of C2SP, against published values."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.trail import merkle, notes

# The test vectors of the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test).
INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_are_those_of_the_reference_implementation() -> None:
    hashes = [merkle.leaf_hash(data) for data in INPUTS]
    frontier = merkle.Frontier()

    grown = []
    for leaf in hashes:
        frontier.extend([leaf])
        grown.append(frontier.root().hex())

    assert grown == ROOTS
    assert merkle.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_the_path_of_every_leaf_leads_to_the_root(chosen: tuple[int, int]) -> None:
    size, index = chosen
    hashes = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    proof = merkle.path(hashes, index)

    assert merkle.root_from_path(hashes[index], index, size, proof) == merkle.root_of(hashes)
    if size > 1:
        other = merkle.leaf_hash(b"another record")
        assert merkle.root_from_path(other, index, size, proof) != merkle.root_of(hashes)
        with pytest.raises(ValueError):
            merkle.root_from_path(hashes[index], index, size, [*proof, other])
        with pytest.raises(ValueError):
            merkle.root_from_path(hashes[index], index, size, proof[:-1])


def head(size: int = 3) -> notes.Head:
    return notes.Head(
        origin="kokuho/evidence", size=size, root=b"\x07" * 32, time=dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    )


def test_a_checkpoint_says_what_was_signed_and_by_which_key() -> None:
    key = Ed25519PrivateKey.generate()
    note = notes.sign(head(), key)
    verifier = notes.VerifierKey.parse(str(notes.verifier_of("kokuho/evidence", key)))

    assert note.startswith("kokuho/evidence\n3\n" + "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n")
    assert notes.verify(note, [verifier]) == verifier
    assert notes.parse(note) == head()


@pytest.mark.parametrize("change", [("\n3\n", "\n4\n"), ("2026", "2027"), ("Bwc", "Cwc")])
def test_a_changed_checkpoint_has_a_wrong_signature(change: tuple[str, str]) -> None:
    key = Ed25519PrivateKey.generate()
    note = notes.sign(head(), key).replace(*change, 1)

    with pytest.raises(notes.WrongSignature):
        notes.verify(note, [notes.verifier_of("kokuho/evidence", key)])


def test_another_key_of_the_same_name_is_not_believed() -> None:
    mine, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

    with pytest.raises(notes.WrongSignature):
        notes.verify(notes.sign(head(), other), [notes.verifier_of("kokuho/evidence", mine)])


@pytest.mark.parametrize("text", ["", "x\n\n", "a\n1\nAAAA\ntime 2026\n\n— a b\n", "a\n٣\nx\ny\n\n— a b\n"])
def test_what_is_no_checkpoint_is_told_apart_from_a_wrong_signature(text: str) -> None:
    with pytest.raises(notes.NotACheckpoint):
        notes.verify(text, [])
