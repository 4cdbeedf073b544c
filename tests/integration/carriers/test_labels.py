"""The label step with several carriers: who is chosen and why, what is bought once, and what is printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from sqlalchemy import RowMapping, select, update

from backroom.domain.carriers import CarrierSpec
from backroom.store import amending, desk, rate_choices
from backroom.store.database import now
from backroom.store.tables import fulfilment_orders, orders
from backroom.store.tables import rate_choices as choices_table
from tests.fake_easypost import FakeEasyPost
from tests.integration.carriers.conftest import LOCAL, let_carry, world
from tests.shops import HUB, PLAIN, Floor


def choice_of(floor: Floor, number: str) -> RowMapping:
    part = floor.story(number).parts[0]["id"]
    with floor.room.database.read() as connection:
        return rate_choices.choices_of(connection, [part])[part]


def why(choice: RowMapping) -> dict[str, str]:
    return {f"{one['brand']} {one['service']}": one["why"] for one in choice["rejected"]}


def go_on(floor: Floor, number: str) -> None:
    """A person presses Retry, and the next wave comes."""
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    floor.fulfil(HUB)


def codes_on_sheets(floor: Floor) -> list[str]:
    """Every bar code on every page that came out of the hub's label printer, page by page."""
    found: list[str] = []
    for path in sorted((floor.room.home / f"labels-{HUB}").glob("*.pdf")):
        document = pypdfium2.PdfDocument(path)
        for page in document:
            picture = page.render(scale=300 / 72).to_pil()
            found += sorted({code.text for code in zxingcpp.read_barcodes(picture)})
        document.close()
    return found


def test_the_cheapest_rate_that_keeps_the_promise_is_bought_and_every_other_is_kept_with_its_reason(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, LOCAL, world(there))
    number = floor.taken_in((PLAIN, 1))
    late = update(orders).values(ship_by=None)
    floor.room.database.write(lambda c: c.execute(late))
    floor.fulfil(HUB)
    choice = choice_of(floor, number)
    assert (choice["carrier"], choice["brand"], choice["service"]) == ("world", "USPS", "GroundAdvantage")
    assert (choice["price_minor"], choice["outcome"]) == (593 + 610, "in_time")
    assert why(choice) == {
        "Nachtbote standard": "days_unknown",
        "USPS Priority": "dearer",
        "USPS Express": "days_unknown",
    }
    assert floor.state(number) == ("fulfilled", ["done"])
    [shipment] = floor.story(number).shipments
    assert (shipment["carrier"], shipment["service"], shipment["cost_minor"]) == ("USPS", "GroundAdvantage", 1203)
    assert there.purchases() == 2


def test_a_promise_that_is_over_is_broken_by_as_little_as_can_be(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, world(there))
    # It was placed weeks ago, and was to be handed over a day later.
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    choice = choice_of(floor, number)
    assert (choice["service"], choice["outcome"]) == ("Priority", "late")
    assert choice["due"] < choice["arrives"]
    assert why(choice)["USPS GroundAdvantage"] == "slower"


def test_our_own_courier_takes_it_where_he_keeps_the_promise_for_less_and_nobody_else_is_paid(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, replace(LOCAL, days=1), world(there))
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    assert choice_of(floor, number)["carrier"] == "bike"
    assert there.purchases() == 0


def test_a_carrier_that_is_named_takes_it_whatever_the_others_ask(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, LOCAL, world(there))
    shop = floor.room.shop
    places = tuple(replace(one, carrier="bike") if one.id == HUB else one for one in shop.locations)
    floor.room = replace(floor.room, shop=replace(shop, locations=places))
    let_carry(floor, monkeypatch, *shop.carriers)
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    assert choice_of(floor, number)["carrier"] == "bike"
    assert there.calls == []


def test_services_that_are_not_allowed_are_not_taken_and_where_none_is_left_a_person_is_asked(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, world(there, "USPS Express"))
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    assert choice_of(floor, number)["service"] == "Express"
    let_carry(floor, monkeypatch, world(there, "Pigeon"))
    lost = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    [part] = floor.story(lost).parts
    assert part["sick_cause"] == "parcel_refused"
    assert "USPS Priority" in part["sick_reason"]


def test_while_one_carrier_is_away_the_other_takes_what_it_can(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, LOCAL, world(there))
    there.trouble["POST", "/shipments"] = [500] * 20
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    assert choice_of(floor, number)["carrier"] == "bike"


def test_bought_labels_come_out_on_the_waves_sheet_among_ours_and_all_of_them_can_be_scanned(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The parcels of one wave: the heavy one is too much for our own courier.
    let_carry(floor, monkeypatch, replace(LOCAL, days=1, max_weight_g=200), world(there))
    light = floor.taken_in((PLAIN, 1))
    heavy = floor.taken_in((PLAIN, 2))
    floor.fulfil(HUB)
    ours, theirs = floor.story(light).shipments[0], floor.story(heavy).shipments[0]
    assert (ours["carrier"], theirs["carrier"]) == ("Nachtbote", "USPS")
    assert ours["sheet_id"] == theirs["sheet_id"]
    codes = codes_on_sheets(floor)
    for shipment in (ours, theirs):
        assert shipment["tracking"] in codes
        assert shipment["return_tracking"] in codes
    floor.check_effects()


def test_a_bought_return_label_opens_the_return_when_it_is_scanned(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backroom.store.return_opening import open_by_code

    let_carry(floor, monkeypatch, world(there))
    number = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    [shipment] = floor.story(number).shipments
    # The post's bar code says the way's postcode as well (GS1 AI 420).
    code = f"42090277{shipment['return_tracking']}"
    opened = floor.room.database.write(lambda c: open_by_code(c, floor.room.shop, code, HUB, "Ada"))
    assert opened.new
    again = floor.room.database.write(
        lambda c: open_by_code(c, floor.room.shop, shipment["return_tracking"], HUB, "Ada")
    )
    assert (again.number, again.new) == (opened.number, False)


def test_a_label_that_is_paid_and_cannot_be_fetched_is_fetched_later_and_not_bought_again(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, world(there))
    number = floor.taken_in((PLAIN, 1))
    there.trouble["GET", r"\.pdf"] = [503] * 6
    floor.fulfil(HUB)
    assert floor.state(number) == ("released", ["packed"])
    there.trouble.clear()
    from backroom.outgoing.circuit import close_all

    close_all()
    go_on(floor, number)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert set(there.bought.values()) == {1}
    assert there.purchases() == 2


def test_an_address_that_was_corrected_after_a_refusal_is_asked_for_anew(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, world(there))
    number = floor.taken_in((PLAIN, 1))
    refused = b'{"error": {"code": "ADDRESS.VERIFY.FAILURE", "message": "", "errors": []}}'
    there.trouble["POST", "/buy"] = [(422, "application/json", refused)]
    floor.fulfil(HUB)
    first = choice_of(floor, number)["reference"]
    floor.room.database.write(
        lambda c: amending.amend(c, floor.room.seals, number, "address.line1", "Wurbelgasse 5", "Ada")
    )
    go_on(floor, number)
    assert choice_of(floor, number)["reference"] != first
    assert floor.state(number) == ("fulfilled", ["done"])
    assert there.purchases() == 2


def test_a_choice_is_good_for_some_hours_and_for_good_once_its_purchase_was_begun(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_carry(floor, monkeypatch, world(there))
    number = floor.taken_in((PLAIN, 1))
    # It is bought, and neither answers nor can be seen.
    there.trouble["POST", "/buy"] = ["drop"]
    there.on_bought = lambda id_: there.trouble.update({("GET", f"/{id_}"): [401] * 3})
    floor.fulfil(HUB)
    assert floor.state(number) == ("released", ["packed"])
    assert [state for _, state in floor.effects("label")] == ["started"]
    chosen = choice_of(floor, number)["reference"]
    there.trouble.clear()
    there.on_bought = lambda _: None
    floor.room.database.write(lambda c: c.execute(update(choices_table).values(at=now(c).replace(year=2020))))
    go_on(floor, number)
    assert choice_of(floor, number)["reference"] == chosen
    assert floor.state(number) == ("fulfilled", ["done"])
    assert set(there.bought.values()) == {1}


PROCESS = """
import sys
from pathlib import Path
from pydantic import SecretStr
from backroom.shop import room as rooms
from backroom.engine import wake
from backroom.store.database import Database
from blocks.carriers import CarrierAccount
from dataclasses import replace
from tests.fake_easypost import KEY, FakeEasyPost
from tests.integration.carriers.conftest import world
from tests.shops import HUB, reopen_floor

url, home, base = sys.argv[1:]
floor = reopen_floor(Database(url), Path(home))
there = FakeEasyPost(base=base)
floor.room = replace(floor.room, shop=replace(floor.room.shop, carriers=(world(there),)))
rooms._open[Path(home).resolve()] = floor.room
wake._this = floor.waker
block = CarrierAccount(kind="easypost", secret=SecretStr(KEY))
CarrierAccount.load = lambda _name: block
floor.fulfil(HUB)
"""


@pytest.mark.parametrize("label", [1, 2], ids=["after the first label", "after its return label"])
def test_whoever_is_killed_between_the_purchase_and_its_answer_buys_no_second_label(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch, database_url: str, label: int
) -> None:
    let_carry(floor, monkeypatch, world(there))
    number = floor.taken_in((PLAIN, 1))
    home = str(floor.room.home)
    started = subprocess.Popen(
        [sys.executable, "-c", PROCESS, database_url, home, there.base],
        env=os.environ | {"BACKROOM_HOME": home},
        stderr=subprocess.PIPE,
    )

    def kill(_: str) -> None:
        if there.purchases() == label:
            os.kill(started.pid, signal.SIGKILL)
            started.wait(20)

    there.on_bought = kill
    _, errors = started.communicate(timeout=60)
    assert started.returncode == -signal.SIGKILL, errors.decode()[-2000:]
    there.on_bought = lambda _: None
    assert there.purchases() == label
    # The next process finds out that it is dead, and goes on with its order.
    go_on(floor, number)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert set(there.bought.values()) == {1}
    assert there.purchases() == 2
    floor.check_effects()


def test_nothing_of_a_person_stands_in_what_is_kept_of_the_choice(
    floor: Floor, there: FakeEasyPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.shops import CANARIES

    let_carry(floor, monkeypatch, LOCAL, world(there))
    floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    with floor.room.database.read() as connection:
        rows = connection.execute(select(choices_table)).mappings().all()
        parts = connection.execute(select(fulfilment_orders)).mappings().all()
    assert rows
    assert not any(canary in str([*rows, *parts]) for canary in CANARIES)


def test_the_shop_file_names_an_account_whose_key_stands_elsewhere(there: FakeEasyPost) -> None:
    spec = world(there)
    assert isinstance(spec, CarrierSpec)
    assert spec.api is not None
    assert spec.api.secret == "carrier.world"
