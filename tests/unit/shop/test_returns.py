"""Returns in the shop file: what is left out is usual, what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from backroom.domain.channels import RefundsSpec
from backroom.domain.return_policy import ReturnPolicy, ReturnRules, ReturnTerms
from backroom.domain.returns import Lane
from backroom.shop.load import load_shop
from tests.unit.shop.test_load import DEMO, GOOD, problems

DEMO_FRIENDS = DEMO.replace("postcodes = ", "# postcodes = ")
WITH_REFUNDS = '[channels.friends.refunds]\nurl = "https://friends.example.com"\nsecret = "refunds.friends"\n\n'


def rules(tmp_path: Path, text: str) -> ReturnRules:
    path = tmp_path / "shop.toml"
    path.write_text(f"{GOOD}\n{text}", encoding="utf-8")
    return load_shop(path).returns


def test_a_shop_that_says_nothing_takes_everything_back_for_thirty_days(tmp_path: Path) -> None:
    said = rules(tmp_path, "")
    assert said == ReturnRules(ReturnTerms(30, 730, "fault_only", "ask", "after_return"))
    assert said.lanes == (Lane.LABEL, Lane.DROP_OFF)


def test_a_policy_leaves_what_it_does_not_say_as_it_is(tmp_path: Path) -> None:
    said = rules(
        tmp_path,
        '[returns]\ndays = 14\nlate = "decline"\nlanes = ["drop_off"]\nrefund_shipping = false\n'
        '[[returns.policies]]\nname = "patches"\nproducts = ["patch"]\ndays = 0\n',
    )
    assert said.terms == ReturnTerms(days=14, late="decline")
    assert said.policies == (ReturnPolicy("patches", ReturnTerms(days=0, late="decline"), products=("patch",)),)
    assert (said.lanes, said.refund_shipping) == ((Lane.DROP_OFF,), False)


def test_a_channel_that_pays_back_by_itself_says_where_and_by_which_secret(tmp_path: Path) -> None:
    text = DEMO_FRIENDS.replace("[channels.friends]", WITH_REFUNDS + "[channels.friends]")
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    shop = load_shop(tmp_path / "shop.toml")
    assert shop.channel("friends").refunds == RefundsSpec("https://friends.example.com", "refunds.friends")
    assert (shop.pays_back("friends"), shop.pays_back("web")) == (True, False)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("https://friends", "http://friends", "channels.friends.refunds.url"),
        ('"refunds.friends"', '"cs_0123"', "channels.friends.refunds.secret"),
        ("[channels.friends.refunds]", "[channels.till-a.refunds]", "channels.till-a.refunds"),
    ],
)
def test_a_wrong_way_to_pay_back_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    text = DEMO_FRIENDS.replace("[channels.friends]", WITH_REFUNDS.replace(old, new) + "[channels.friends]")
    assert [one.field for one in problems(tmp_path, text)] == [field]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[returns]\ndays = -1", "returns.days"),
        ('[returns]\nlate = "sometimes"', "returns.late"),
        ('[returns]\nlanes = ["pigeon"]', "returns.lanes"),
        ("[returns]\nday = 3", "returns.day"),
        ('[[returns.policies]]\nname = "x"\nchannels = ["nobody"]', "returns.policies.x.channels"),
        ("[[returns.policies]]\ndays = 3", "returns.policies.1.name"),
        ('[[returns.policies]]\nname = "x"\n[[returns.policies]]\nname = "x"', "returns.policies.x.name"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, field: str) -> None:
    assert [one.field for one in problems(tmp_path, f"{GOOD}\n{text}\n")] == [field]
