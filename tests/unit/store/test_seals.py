"""Seals open for their own key, person and column only; erasure closes them for good."""

from __future__ import annotations

import pytest

from backroom.store.database import Database, now
from backroom.store.forgetting import StillServed, forget
from backroom.store.inbox_door import Delivery, accept
from backroom.store.people import PersonErased, find_or_add, load
from backroom.store.personal import Whose
from backroom.store.seals import SealBroken, Seals, new_master_key, read_master_key, seal, unseal
from tests.shops import MASTER_KEY

SEALS = Seals(MASTER_KEY)
EMAIL = (("email", "ada@example.org"),)


def test_a_sealed_value_opens_with_its_key_and_context() -> None:
    key, wrapped = SEALS.new_key()
    assert unseal(SEALS.unwrap(wrapped), seal(key, b"Wurbelgasse 4", "orders.contact"), "orders.contact") == (
        b"Wurbelgasse 4"
    )


def test_a_sealed_value_never_looks_the_same_twice() -> None:
    key, _ = SEALS.new_key()
    assert seal(key, b"x", "orders.contact") != seal(key, b"x", "orders.contact")


def test_a_value_moved_to_another_column_does_not_open() -> None:
    key, _ = SEALS.new_key()
    with pytest.raises(SealBroken):
        unseal(key, seal(key, b"x", "orders.contact"), "labels.data")


def test_a_value_moved_to_another_person_does_not_open() -> None:
    one, other = SEALS.new_key()[0], SEALS.new_key()[0]
    with pytest.raises(SealBroken):
        unseal(other, seal(one, b"x", "orders.contact"), "orders.contact")


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12), bytes(40)])
def test_what_is_damaged_or_cut_short_is_called_broken(sealed: bytes) -> None:
    key, _ = SEALS.new_key()
    with pytest.raises(SealBroken):
        unseal(key, sealed, "orders.contact")
    with pytest.raises(SealBroken):
        SEALS.unwrap(sealed)


def test_another_master_key_opens_nobody() -> None:
    _, wrapped = SEALS.new_key()
    with pytest.raises(SealBroken):
        Seals(bytes(32)).unwrap(wrapped)


def test_another_master_key_looks_nobody_up() -> None:
    assert SEALS.digest("email", "ada@example.org") != Seals(bytes(32)).digest("email", "ada@example.org")


def test_an_email_and_a_phone_of_the_same_text_have_different_hashes() -> None:
    assert SEALS.digest("email", "1") != SEALS.digest("phone", "1")


def test_a_fresh_master_key_reads_back() -> None:
    assert len(read_master_key(new_master_key())) == 32


@pytest.mark.parametrize("text", ["not base64!", "c2hvcnQ="])
def test_a_master_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SealBroken):
        Seals(read_master_key(text))


def test_a_person_is_found_again_by_any_of_their_look_ups(database: Database) -> None:
    both = (("email", "ada@example.org"), ("phone", "+4930123456"))
    first = database.write(lambda c: find_or_add(c, SEALS, EMAIL, now(c)))
    second = database.write(lambda c: find_or_add(c, SEALS, both, now(c)))
    third = database.write(lambda c: find_or_add(c, SEALS, both[1:], now(c)))
    assert first.id == second.id == third.id
    assert first.key == third.key


def test_a_look_up_never_moves_from_one_person_to_another(database: Database) -> None:
    ada = database.write(lambda c: find_or_add(c, SEALS, EMAIL, now(c)))
    bob = database.write(lambda c: find_or_add(c, SEALS, (("phone", "+4930"),), now(c)))
    met = database.write(lambda c: find_or_add(c, SEALS, (*EMAIL, ("phone", "+4930")), now(c)))
    again = database.write(lambda c: find_or_add(c, SEALS, (("phone", "+4930"),), now(c)))
    assert (met.id, again.id) == (ada.id, bob.id)


def test_who_gave_no_address_is_somebody_new_each_time(database: Database) -> None:
    ids = {database.write(lambda c: find_or_add(c, SEALS, (("email", ""),), now(c))).id for _ in range(2)}
    assert len(ids) == 2


def test_an_erased_person_cannot_be_opened_and_is_not_found_again(database: Database) -> None:
    ada = database.write(lambda c: find_or_add(c, SEALS, EMAIL, now(c)))
    database.write(lambda c: forget(c, Whose(ada.id)))
    with pytest.raises(PersonErased), database.read() as connection:
        load(connection, SEALS, [ada.id])
    assert database.write(lambda c: find_or_add(c, SEALS, EMAIL, now(c))).id != ada.id


def test_nobody_is_erased_whose_message_waits(database: Database) -> None:
    delivery = Delivery("web", "1", "", "1", 5, EMAIL, b"{}")
    database.write(lambda c: accept(c, SEALS, delivery, "hub"))
    ada = database.write(lambda c: find_or_add(c, SEALS, EMAIL, now(c)))
    with pytest.raises(StillServed):
        database.write(lambda c: forget(c, Whose(ada.id)))
