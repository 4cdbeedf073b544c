"""The questions of `backroom init`: whatever is answered, the file that comes out is right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.errors import BackroomError
from backroom.domain.sample_rules import SampleRules
from backroom.domain.shop import Shop
from backroom.shop.load import load_shop
from backroom.shop.questions import OFFERED_KINDS, QUESTIONS, Question, default_answers, interview, write_shop_file
from backroom.shop.values import BadValue


def question(name: str) -> Question:
    return next(one for one in QUESTIONS if one.name == name)


def opened(answers: dict[str, str], folder: Path) -> Shop:
    path = folder / "shop.toml"
    path.write_text(write_shop_file(answers), encoding="utf-8")
    return load_shop(path)


def answer_all(told: dict[str, str]) -> dict[str, str]:
    return interview(lambda one, default: one.settle(told.get(one.name) or default or one.example))


def test_whoever_takes_every_default_gets_a_shop_that_works(tmp_path: Path) -> None:
    shop = opened(default_answers(), tmp_path)
    assert [location.id for location in shop.locations] == ["main-hub"]
    assert [rule.name for rule in shop.rules] == ["everything else"]
    assert shop.samples == SampleRules(require=True)


@pytest.mark.parametrize(("answer", "require"), [("yes", True), ("no", False)])
def test_whether_a_print_needs_a_sample_is_asked_and_written(tmp_path: Path, answer: str, require: bool) -> None:
    shop = opened(answer_all({"samples": answer}), tmp_path)
    assert shop.samples.require is require


@given(data=st.data())
def test_whatever_is_answered_the_file_is_right(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30)
    choice = st.sampled_from(["yes", "no"])
    told = {
        "name": data.draw(words),
        "street": data.draw(words),
        "city": data.draw(words),
        "country": data.draw(st.sampled_from(["DE", "GB", "JP", "US"])),
        "currency": data.draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        "local_hub": data.draw(choice),
        "booth": data.draw(choice),
        "samples": data.draw(choice),
        "channels": ", ".join(data.draw(st.sets(st.sampled_from(OFFERED_KINDS), min_size=1))),
        "sms": data.draw(st.sampled_from(["none", "folder", "gateway"])),
        "sms_sender": "Shop",
    }
    shop = opened(answer_all(told), tmp_path_factory.mktemp("home"))
    assert shop.owner.name == told["name"]
    assert {channel.kind for channel in shop.channels} == set(told["channels"].split(", "))
    assert len(shop.locations) == 1 + (told["local_hub"] == "yes") + (told["booth"] == "yes")


def test_a_currency_and_a_time_zone_are_offered_by_country() -> None:
    answers = answer_all({"country": "gb"})
    assert (answers["currency"], answers["timezone"]) == ("GBP", "Europe/London")


@pytest.mark.parametrize(
    ("name", "country", "sender"),
    [
        ("Möwe & Söhne", "de", "MoeweSoehne"),
        ("Möwe & Söhne", "se", "MoweSohne"),
        ("Großer Fuß", "de", "GrosserFuss"),
        ("Łódź Øst Æble", "dk", "LodzOstAebl"),
        ("Şeker Ağacı", "tr", "SekerAgaci"),
        ("Mo\u0308we", "gb", "Mowe"),
    ],
)
def test_the_sender_of_an_sms_is_offered_in_plain_letters(name: str, country: str, sender: str) -> None:
    answers = answer_all({"name": name, "country": country, "sms": "folder"})
    assert answers["sms_sender"] == sender


def test_nobody_is_asked_for_a_booth_that_is_not_there() -> None:
    assert "booth_place" not in answer_all({"booth": "no"})
    assert "booth_place" in answer_all({"booth": "yes"})


@pytest.mark.parametrize(
    ("name", "answer", "settled"),
    [
        ("hub_place", "52.496 13.423", "52.49600, 13.42300"),
        ("booth", "Ja", "yes"),
        ("channels", "POS shopify,pos", "pos, shopify"),
        ("currency", "eur", "EUR"),
        ("phone", "+49 30 23125-042", "+493023125042"),
        ("phone", "", ""),
        ("name", "  Motte   & Mond ", "Motte & Mond"),
    ],
)
def test_an_answer_is_brought_into_its_normal_form(name: str, answer: str, settled: str) -> None:
    assert question(name).settle(answer) == settled


@pytest.mark.parametrize(
    ("name", "answer", "remedy"),
    [
        ("hub_place", "Berlin", "52.4960, 13.4230"),
        ("hub_place", "152.4, 13", "Latitude goes to 90"),
        ("hub_place", "nan, 13", "Latitude goes to 90"),
        ("channels", "shoppify", "Did you mean shopify?"),
        ("booth", "perhaps", "Write yes or no"),
        ("email", "shop", "must have an @-sign"),
        ("hub_printer", "lpd://old", "ipps://"),
        ("sms_sender", "A very long name", "11 letters"),
        ("name", "", "Write one"),
    ],
)
def test_a_wrong_answer_is_refused_with_a_remedy(name: str, answer: str, remedy: str) -> None:
    with pytest.raises(BadValue) as caught:
        question(name).settle(answer)
    assert remedy in caught.value.remedy
    assert isinstance(caught.value, BackroomError)
