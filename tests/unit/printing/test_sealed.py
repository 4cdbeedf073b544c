"""Sealed payloads: they open for their booth, job and time, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.printing.device import SIZE, Device, DeviceKeyBroken, hold_device, public_key
from backroom.printing.sealed import (
    Bound,
    PayloadBroken,
    PayloadDead,
    Sealed,
    new_once,
    once_public,
    open_sealed,
    opens_with,
    seal,
    unpack,
)

AT = datetime(2026, 11, 20, 18, tzinfo=UTC)
DEVICE, ONCE = Device(), new_once()
BOUND = Bound(57, 2, "booth-a", DEVICE.name, AT + timedelta(hours=1))
OWL = b"%PDF-1.7 an owl"


def sealed(document: bytes = OWL) -> Sealed:
    return seal(BOUND, b'{"sku": "TEE"}', document, device=DEVICE.public, once=once_public(ONCE))


@given(st.binary(max_size=300), st.binary(max_size=3000))
def test_what_was_sealed_opens_after_its_way_and_shows_nothing_on_it(description: bytes, document: bytes) -> None:
    made = seal(BOUND, description, document, device=DEVICE.public, once=once_public(ONCE))
    packed = made.pack()
    assert unpack(packed) == made
    assert open_sealed(unpack(packed), DEVICE, ONCE, AT) == (description, document)
    for plain in (description, document):
        assert len(plain) < 8 or plain not in packed


def test_each_payload_has_a_key_of_its_own_though_nothing_else_differs() -> None:
    first, second = sealed(), sealed()
    assert first.once != second.once
    with pytest.raises(PayloadBroken):
        open_sealed(replace(first, once=second.once), DEVICE, ONCE, AT)


def test_neither_key_of_the_booth_opens_it_without_the_other() -> None:
    with pytest.raises(PayloadBroken):
        open_sealed(sealed(), Device(), ONCE, AT)
    with pytest.raises(PayloadBroken):
        open_sealed(sealed(), DEVICE, new_once(), AT)


@pytest.mark.parametrize(
    "other",
    [
        replace(BOUND, job=58),
        replace(BOUND, attempt=1),
        replace(BOUND, booth="booth-b"),
        replace(BOUND, device="0" * 16),
        replace(BOUND, expires_at=AT + timedelta(days=365)),
    ],
)
def test_what_it_is_bound_to_cannot_be_changed_its_moment_included(other: Bound) -> None:
    with pytest.raises(PayloadBroken):
        open_sealed(replace(sealed(), bound=other), DEVICE, ONCE, AT)


def test_it_is_dead_from_its_moment_on() -> None:
    made = sealed()
    open_sealed(made, DEVICE, ONCE, BOUND.expires_at - timedelta(microseconds=1))
    with pytest.raises(PayloadDead):
        open_sealed(made, DEVICE, ONCE, BOUND.expires_at)


@given(st.data())
def test_a_payload_that_was_changed_anywhere_opens_as_what_it_was_or_not_at_all(data: st.DataObject) -> None:
    packed = bytearray(sealed().pack())
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = unpack(bytes(packed))
    except PayloadBroken:
        return
    try:
        opened = open_sealed(changed, DEVICE, ONCE, AT)
    except (PayloadBroken, PayloadDead):
        return
    # Only white space of its first line, or what base64 reads the same, was changed.
    assert opened == (b'{"sku": "TEE"}', OWL)


@given(st.binary(max_size=200))
def test_what_is_no_payload_is_said_to_be_none(noise: bytes) -> None:
    with pytest.raises(PayloadBroken):
        unpack(noise)


def test_a_point_of_small_order_and_a_short_key_are_refused() -> None:
    zero = "A" * 43 + "="
    with pytest.raises(DeviceKeyBroken):
        seal(BOUND, b"", b"", device=DEVICE.public, once=zero)
    with pytest.raises(DeviceKeyBroken):
        seal(BOUND, b"", b"", device="AAAA", once=once_public(ONCE))


def test_the_try_to_open_it_can_succeed_and_finds_nothing_among_other_secrets() -> None:
    made = sealed()
    theirs = public_key(made.once)
    shared = DEVICE.private.exchange(theirs) + ONCE.exchange(theirs)
    assert opens_with(BOUND, made.description, [bytes(32), shared, b"x"]) == 1
    assert opens_with(BOUND, made.description, [bytes(32), DEVICE.private.private_bytes_raw(), b"x"]) == 0


def test_a_machine_keeps_its_key_in_a_file_that_only_it_reads(tmp_path: Path) -> None:
    first = hold_device(tmp_path / "bench")
    assert hold_device(tmp_path / "bench").public == first.public
    assert (tmp_path / "bench" / "device.key").stat().st_mode & 0o777 == 0o600
    assert first.private.private_bytes_raw().hex() not in repr(first)
    (tmp_path / "bench" / "device.key").write_bytes(b"x" * (SIZE - 1))
    with pytest.raises(DeviceKeyBroken):
        hold_device(tmp_path / "bench")
