"""The words of messages: checked early, chosen by language, filled in without surprises."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.messaging import MessageTemplate
from backroom.domain.promise import DeliveryWindow
from backroom.domain.returns import Lane
from backroom.messaging.return_texts import say_lane
from backroom.messaging.segments import segments
from backroom.messaging.templates import (
    BUILT_IN,
    KINDS,
    BadTemplate,
    MissingValue,
    UnknownPlaceholder,
    check,
    choose,
    fill,
    say_window,
)

OWN = MessageTemplate("handed_over", "email", "de", "Los: $order", "$name, $order ist los.")
VALUES = {
    "shop": "Atelier Nord",
    "order": "A-1042",
    "name": "Łukasz",
    "carrier": "Kurier",
    "tracking": "BR123456789DE",
    "location": "Hamburg",
    "window": "Di 24.11. bis Do 26.11.",
    "rma": "R-A-1042-7364",
    "way": max((say_lane(lane, language) for lane in Lane for language in ("de", "en")), key=len),
    "amount": "1029.00 EUR",
    "exchange": "A-1050, A-1051",
    "code": "042917",
    "email": "hallo@atelier-nord.example.com",
    "time": "gegen 19:40",
}


@pytest.mark.parametrize("template", BUILT_IN, ids=lambda t: f"{t.kind}-{t.medium}-{t.language}")
def test_every_built_in_template_is_sound_and_can_be_filled(template: MessageTemplate) -> None:
    check(template)
    assert "$" not in fill(template, VALUES).body


@pytest.mark.parametrize("template", [t for t in BUILT_IN if t.medium == "sms"], ids=lambda t: f"{t.kind}-{t.language}")
def test_a_built_in_sms_is_one_sms(template: MessageTemplate) -> None:
    assert segments(fill(template, VALUES).body).count == 1


def test_every_kind_is_built_in_for_both_media_in_english() -> None:
    written = {(template.kind, template.medium, template.language) for template in BUILT_IN}
    assert {(kind, medium, "en") for kind in KINDS for medium in ("sms", "email")} <= written


def test_what_is_said_about_returns_is_built_in_in_every_language_there_is() -> None:
    written = {(template.kind, template.medium, template.language) for template in BUILT_IN}
    kinds = {kind for kind in KINDS if kind.startswith("return")}
    languages = {template.language for template in BUILT_IN}
    assert languages == {"en", "de"}
    assert {(kind, by, tag) for kind in kinds for by in ("sms", "email") for tag in languages} <= written


def test_who_collects_is_greeted_without_a_name() -> None:
    template = choose([], "ready_to_collect", "email", "en", "en")
    assert fill(template, {**VALUES, "name": ""}).body.startswith("Hello,\n")


def test_who_collects_is_not_told_about_a_parcel() -> None:
    with pytest.raises(UnknownPlaceholder):
        check(replace(OWN, kind="ready_to_collect", body="$tracking"))


def test_an_unknown_placeholder_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownPlaceholder, match=r"\$parcel_number.*\$tracking"):
        check(replace(OWN, body="$name: $parcel_number"))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (replace(OWN, kind="lost"), "unknown kind"),
        (replace(OWN, medium="fax"), "unknown medium"),
        (replace(OWN, body=" "), "no body"),
        (replace(OWN, subject=""), "no subject"),
        (replace(OWN, subject="a\nb"), "several lines"),
        (replace(OWN, body="5 $ off"), "begins no placeholder"),
        (replace(OWN, subject="${order"), "begins no placeholder"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(broken: MessageTemplate, words: str) -> None:
    with pytest.raises(BadTemplate, match=words):
        check(broken)


def test_an_sms_needs_no_subject() -> None:
    check(replace(OWN, medium="sms", subject=""))


@pytest.mark.parametrize(
    ("language", "shop_language", "expected"),
    [
        ("de", "en", OWN),
        ("de-AT", "en", OWN),
        ("de_CH", "en", OWN),
        ("fr", "de", OWN),
        ("en-GB", "de", BUILT_IN[0]),
        ("fr", "it", BUILT_IN[0]),
    ],
)
def test_the_nearest_language_wins_and_the_shops_own_words_come_first(
    language: str, shop_language: str, expected: MessageTemplate
) -> None:
    assert choose([OWN], "handed_over", "email", language, shop_language) == expected


def test_a_regional_template_is_preferred_by_its_region() -> None:
    austrian = replace(OWN, language="de-AT")
    assert choose([OWN, austrian], "handed_over", "email", "de-at", "en") == austrian


def test_a_kind_without_any_template_is_an_error() -> None:
    with pytest.raises(BadTemplate, match="no template lost"):
        choose([], "lost", "email", "en", "en")


def test_a_missing_value_is_named_and_the_customers_data_is_not() -> None:
    with pytest.raises(MissingValue, match=r"\$order") as caught:
        fill(OWN, {"name": "Łukasz"})
    assert "Łukasz" not in str(caught.value)


def test_a_dollar_sign_can_be_written() -> None:
    assert fill(replace(OWN, body="$$5"), VALUES).body == "$5"


@given(name=st.text())
def test_what_a_customer_typed_is_neither_a_placeholder_nor_a_new_line(name: str) -> None:
    text = fill(replace(OWN, subject="$name"), {**VALUES, "name": name + " $tracking\r\nBcc: x"})
    assert "BR123456789DE" not in text.body
    assert len(text.subject.splitlines()) <= 1


def test_half_a_surrogate_pair_does_not_reach_a_medium() -> None:
    assert fill(OWN, {**VALUES, "name": "A\ud83d"}).body == "A?, A-1042 ist los."


def test_a_filled_text_does_not_show_itself_in_logs() -> None:
    assert "Łukasz" not in repr(fill(OWN, VALUES))


WINDOW = DeliveryWindow(date(2026, 11, 24), date(2026, 11, 26))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Tue 24 Nov to Thu 26 Nov"),
        ("de-AT", "Di 24.11. bis Do 26.11."),
        ("fr", "2026-11-24 - 2026-11-26"),
    ],
)
def test_a_window_is_said_in_the_customers_language(language: str, expected: str) -> None:
    assert say_window(WINDOW, language) == expected


def test_a_window_of_one_day_is_one_day() -> None:
    assert say_window(DeliveryWindow(WINDOW.from_date, WINDOW.from_date), "en") == "Tue 24 Nov"


def test_the_customers_of_a_channel_get_its_own_words_before_the_shops() -> None:
    market = replace(OWN, channel="market", body="market: $order")
    templates = [OWN, market]
    assert choose(templates, "handed_over", "email", OWN.language, "en", "market") == market
    assert choose(templates, "handed_over", "email", OWN.language, "en", "web") == OWN
    assert choose([market], "handed_over", "email", OWN.language, "en", "web").channel == ""
    # Their language counts for more than their channel.
    assert choose([market], "handed_over", "email", "de" if OWN.language == "en" else "en", "fr", "market") != market
