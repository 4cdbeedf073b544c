"""The shop file: what is read, and how every mistake is named with its field and a remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from backroom.domain.messaging import TEMPLATE_PLACEHOLDERS
from backroom.domain.quiet_hours import QuietHours
from backroom.domain.routing_rules import Filter
from backroom.messaging.templates import KINDS, check
from backroom.shop.check import ShopFileInvalid, ShopFileProblem
from backroom.shop.load import load_shop
from backroom.shop.questions import default_answers, write_shop_file

DATA = Path(__file__).parents[3] / "data"
DEMO = (DATA / "shop.toml").read_text(encoding="utf-8")
GOOD = write_shop_file(
    default_answers()
    | {"booth": "yes", "booth_place": "52.5, 13.4", "booth_printer": "folder:booth", "channels": "shopify, pos"}
)


def problems(tmp_path: Path, text: str) -> list[ShopFileProblem]:
    path = tmp_path / "shop.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ShopFileInvalid) as caught:
        load_shop(path)
    return list(caught.value.problems)


def changed(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new, 1)


def test_the_demo_shop_is_read_whole() -> None:
    shop = load_shop(DATA / "shop.toml")
    assert [location.id for location in shop.locations] == ["main-hub", "local-hub", "booth-a"]
    assert shop.carriers[0].price_minor == 490
    assert date(2026, 12, 25) in shop.holidays
    assert shop.rules[2].where[1] == Filter("distance_km", "<=", 10)
    assert shop.location("booth-a").can_print("transfer")
    assert {place.country for place in shop.postcodes} == {"DE", "AT"}
    assert {(t.kind, t.medium, t.language) for t in shop.templates} == {
        (kind, medium, language)
        for kind in ("handed_over", "ready_to_collect")
        for medium in ("sms", "email")
        for language in ("de", "en")
    }


def test_a_location_costs_what_the_shop_does_but_for_what_it_says_itself(tmp_path: Path) -> None:
    own = "\n[locations.local-hub.costs]\npicking_minutes = 4\nwage_per_hour = 24.00\n"
    (tmp_path / "shop.toml").write_text(DEMO.replace("postcodes = ", "# postcodes = ") + own, encoding="utf-8")
    shop = load_shop(tmp_path / "shop.toml")
    assert shop.location("main-hub").costs == shop.costs
    assert shop.location("local-hub").costs == replace(shop.costs, picking_minutes=4.0, wage_per_hour=2400)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("hosting_per_month = 24.00", "locations.main-hub.costs.hosting_per_month"),
        ('wage_per_hour = "24"', "locations.main-hub.costs.wage_per_hour"),
        ("picking_minutes = -1", "locations.main-hub.costs.picking_minutes"),
        ("print = 1.999", "locations.main-hub.costs.print"),
    ],
)
def test_a_wrong_cost_of_a_location_is_named(tmp_path: Path, line: str, field: str) -> None:
    found = problems(tmp_path, f"{GOOD}\n[locations.main-hub.costs]\n{line}\n")
    assert [problem.field for problem in found] == [field]


def test_how_the_shop_goes_to_market_is_read_in_litres_and_kilograms(tmp_path: Path) -> None:
    table = "\n[restock]\nvan_litres = 600\nvan_kg = 120.5\nbooth_litres = 900\nprint_minutes = 2.5\nkeep_weeks = 0\n"
    ink = '[restock.materials.ink]\nprocess = "dtg"\npack = "bottle"\nholds = 1000\nper_print = 12\nlitres = 1.2\n'
    (tmp_path / "shop.toml").write_text(GOOD + table + ink, encoding="utf-8")
    spec = load_shop(tmp_path / "shop.toml").restock
    assert (spec.van_ml, spec.van_g, spec.booth_ml, spec.print_seconds) == (600_000, 120_500, 900_000, 150)
    assert spec.keep_weeks == 0
    (material,) = spec.materials
    assert (material.process, material.holds, material.per_print, material.room_ml) == ("dtg", 1000, 12, 1200)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("van_litres = -1", "restock.van_litres"),
        ("print_share = 2", "restock.print_share"),
        ("van_liters = 4", "restock.van_liters"),
        ("[restock.materials.ink]\npack = 'bottle'\nholds = 0\nper_print = 1", "restock.materials.ink.process"),
    ],
)
def test_a_wrong_field_of_the_restock_table_is_named(tmp_path: Path, line: str, field: str) -> None:
    assert field in [problem.field for problem in problems(tmp_path, f"{GOOD}\n[restock]\n{line}\n")]


def test_the_demo_shops_templates_are_ones_that_messaging_can_fill() -> None:
    for template in load_shop(DATA / "shop.toml").templates:
        check(template)


def test_the_shop_check_knows_the_placeholders_that_messaging_fills_in() -> None:
    assert {name: kind.placeholders for name, kind in KINDS.items()} == TEMPLATE_PLACEHOLDERS


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        ('country = "DE"', 'country = "Germany"', "shop.country", "two letters"),
        ('currency = "EUR"', 'currency = "EUO"', "shop.currency", "Did you mean EUR?"),
        ('timezone = "Europe/Berlin"', 'timezone = "Berlin"', "shop.timezone", "Europe/Berlin"),
        ('email = "shop@example.com"', 'email = "shop"', "shop.email", "e-mail"),
        ('hub = "main-hub"', 'hub = "mainhub"', "shop.hub", "Did you mean main-hub?"),
        ('name = "My shop"\n', "", "shop.name", "missing"),
        ('order_prefix = "A"', 'order_pre = "A"', "shop.order_pre", "Did you mean order_prefix?"),
        ("[stock]", "[stok]", "stok", "Did you mean stock?"),
        ("latitude = 52.52000", "latitude = 152.52", "locations.main-hub.latitude", "from -90 to 90"),
        ("latitude = 52.52000", f"latitude = {10**309}", "locations.main-hub.latitude", "is out of range"),
        ("low_stock = 2", f"low_stock = {10**309}", "stock.low_stock", "is out of range"),
        ("latitude = 52.52000", 'latitude = "52.52"', "locations.main-hub.latitude", "Write a number"),
        ("latitude = 52.52000", "latitude = nan", "locations.main-hub.latitude", "Write a number"),
        ('kind = "booth"', 'kind = "boot"', "locations.booth-a.kind", "Did you mean booth?"),
        ('sat = ["10:00-23:00"]', 'sat = ["10-23"]', "locations.booth-a.hours.sat", "09:00-12:30"),
        ('sat = ["10:00-23:00"]', 'sat = "10:00-23:00"', "locations.booth-a.hours.sat", "list"),
        ('sat = ["10:00-23:00"]', 'Sat = ["10:00-23:00"]', "locations.booth-a.hours.Sat", "Did you mean sat?"),
        ('sat = ["10:00-23:00"]', 'sat = ["01:00-24:00", "05:00-06:00"]', "locations.booth-a.hours.sat", "overlaps"),
        ('"folder:booth"', '"usb://printer"', "locations.booth-a.printers.booth-1.uri", "ipps://"),
        ('"folder:booth"', '"folder:../x"', "locations.booth-a.printers.booth-1.uri", "names no folder"),
        ('"folder:booth"', '"ipp:///ipp"', "locations.booth-a.printers.booth-1.uri", "no host"),
        ('"dtg", "transfer"', '"dtf"', "locations.main-hub.printers.hub-1.prints", "Did you mean dtg?"),
        ('sla = "standard"', 'sla = "standart"', "channels.web.sla", "Did you mean standard?"),
        ('kind = "shopify"', 'kind = "shoppify"', "channels.web.kind", "Did you mean shopify?"),
        ('location = "booth-a"', 'location = "booth-b"', "channels.till.location", "Did you mean booth-a?"),
        ('location = "booth-a"\n', "", "channels.till.location", "at which location"),
        ('secret = "webhook.web"\n', "", "channels.web.secret", "webhook.web"),
        ('["event", "==", "market"]', '["evnt", "==", "market"]', "rules.market.when.1", "Did you mean event?"),
        ('["event", "==", "market"]', '["event", "=", "market"]', "rules.market.when.1", "is not an operator"),
        ('["event", "==", "market"]', '["event", "<=", "market"]', "rules.market.when.1", "Use ==, !=, in, not in."),
        ('["event", "==", "market"]', '["event"]', "rules.market.when.1", "distance_km"),
        ('["event", "==", "market"]', '["channel", "==", "wep"]', "rules.market.when.1", "Did you mean web?"),
        ('"==", "booth-a"]', '"==", "booth-x"]', "rules.market.where.1", "Did you mean booth-a?"),
        ('["kind", "==", "hub"]', '["distance_km", "<=", "10"]', "rules.everything else.where.1", "a number"),
        ('short = "print"', 'short = "prnt"', "rules.market.short", "Did you mean print?"),
        ('short = "print"', 'sort = ["near"]', "rules.market.sort", "nearest"),
        ('name = "everything else"', 'name = "market"', "rules.market.name", "two rules"),
        ("transit_days_max = 3", "transit_days_max = 0", "slas.standard.transit_days_max", "Write 1 or more"),
        ('cutoff = "14:00"', 'cutoff = "2pm"', "slas.standard.cutoff", "14:00"),
        ("price = 5 ", "price = 4.905 ", "carriers.courier.price", "at most 2 decimals"),
        ("price = 5 ", "price = -5 ", "carriers.courier.price", "is not an amount"),
        ("price = 5 ", "price = 1e400000 ", "carriers.courier.price", "below 10,000,000"),
        ("price = 5 ", "price = -1e999999999 ", "carriers.courier.price", "below 10,000,000"),
        ('countries = ["DE"]', 'countries = ["D"]', "carriers.courier.countries", "two letters"),
        ('kind = "local" ', 'kind = "lokal" ', "carriers.courier.kind", "Did you mean local?"),
        ('kind = "local" ', "# none ", "carriers.courier.kind", "missing"),
        ('sla = "standard"', 'sla = "standard"\ncarrier = "corrier"', "channels.web.carrier", "Did you mean courier?"),
        ('kind = "hub"', 'kind = "hub"\ncarrier = "post"', "locations.main-hub.carrier", "Use one of: courier."),
        ('hub = "main-hub"', 'hub = "main-hub"\nholidays = ["2026-12-25"]', "shop.holidays", "without quotes"),
        ('mail = "folder"', 'mail = "snmp"', "messaging.mail", "Did you mean smtp?"),
        ("low_stock = 2", "low_stock = true", "stock.low_stock", "whole number"),
        ("low_stock = 2", 'low_stock = "2"', "stock.low_stock", "whole number"),
    ],
)
def test_a_mistake_is_named_by_its_field_with_a_remedy(
    tmp_path: Path, old: str, new: str, field: str, says: str
) -> None:
    found = problems(tmp_path, changed(old, new))
    assert field in {problem.field for problem in found}
    named = next(str(problem) for problem in found if problem.field == field)
    assert says in named
    assert named.startswith("shop.toml: ")


@pytest.mark.parametrize(
    ("old", "new", "field", "says"),
    [
        ("$order left our", "$ordr left our", "templates.handed_over.email.en.body", "Did you mean order?"),
        ("$order left our", "5 $ left our", "templates.handed_over.email.en.body", "$$"),
        (
            "[templates.handed_over.sms.en]",
            "[templates.handed_ovr.sms.en]",
            "templates.handed_ovr.sms.en",
            "handed_over",
        ),
        ("[templates.handed_over.sms.en]", "[templates.handed_over.fax.en]", "templates.handed_over.fax.en", "medium"),
        ('subject = "Your order $order is ready"\n', "", "templates.ready_to_collect.email.en.subject", "missing"),
        ('postcodes = "postcodes.csv"', 'postcodes = "plz.csv"', "shop.postcodes", "'plz.csv': there is no such file"),
    ],
)
def test_a_mistake_in_messages_or_postcodes_is_named_too(
    tmp_path: Path, old: str, new: str, field: str, says: str
) -> None:
    (tmp_path / "postcodes.csv").write_text((DATA / "postcodes.csv").read_text(encoding="utf-8"), encoding="utf-8")
    (problem,) = problems(tmp_path, changed(old, new, DEMO))
    assert problem.field == field
    assert says in str(problem)


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    text = changed('currency = "EUR"', 'currency = "EURO"')
    text = changed('sla = "standard"', 'sla = "fast"', text)
    text = changed('kind = "booth"', 'kind = "stall"', text)
    fields = [problem.field for problem in problems(tmp_path, text)]
    assert fields == ["shop.currency", "locations.booth-a.kind", "channels.web.sla"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('secret = "webhook.web"', 'secret = "shpss_1f0c6a"', "channels.web.secret"),
        ('secret = "webhook.web"', 'secret = "d2f9a6c1e0b34785"', "channels.web.secret"),
        ('mail = "folder"', 'mail = "folder"\npassword = "d2f9a6c1e0b34785"', "messaging.password"),
        ('mail = "folder"', 'mail = "folder"\napi_key = "d2f9a6c1e0b34785"', "messaging.api_key"),
        ('"folder:booth"', '"ipp://printer:d2f9a6c1e0b34785@box/ipp"', "locations.booth-a.printers.booth-1.uri"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(tmp_path: Path, old: str, new: str, field: str) -> None:
    found = problems(tmp_path, changed(old, new))
    assert field in {problem.field for problem in found}
    told = " ".join(map(str, found))
    assert "secrets.toml" in told
    assert "d2f9a6c1e0b34785" not in told
    assert "shpss_1f0c6a" not in told


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "[shop]\nname = Motte & Mond\n")
    assert "line 2" in problem.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ShopFileInvalid, match="backroom init"):
        load_shop(tmp_path / "shop.toml")


def test_an_empty_file_names_everything_that_is_missing(tmp_path: Path) -> None:
    fields = {problem.field for problem in problems(tmp_path, "")}
    assert {"shop", "locations", "channels", "slas", "rules", "carriers", "messaging"} <= fields


def quiet(*lines: str) -> str:
    return GOOD + "\n[messaging.quiet_hours]\n" + "\n".join(lines) + "\n"


def test_quiet_hours_are_read_with_what_is_usual_for_the_rest(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(quiet('from = "21:00"', 'until = "08:00"'), encoding="utf-8")
    hours = load_shop(tmp_path / "shop.toml").messaging.quiet_hours
    assert hours == QuietHours(
        time(21), time(8), frozenset({"sms", "push"}), frozenset({"order_updates", "marketing"}), True
    )


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        (['from = "21:00"'], "messaging.quiet_hours.until"),
        (['from = "24:00"', 'until = "08:00"'], "messaging.quiet_hours.from"),
        (['from = "08:00"', 'until = "08:00"'], "messaging.quiet_hours.until"),
        (['from = "21:00"', 'until = "08:00"', 'clock = "moon"'], "messaging.quiet_hours.clock"),
        (['from = "21:00"', 'until = "08:00"', 'media = ["fax"]'], "messaging.quiet_hours.media"),
    ],
)
def test_a_wrong_field_of_quiet_hours_is_named(tmp_path: Path, lines: list[str], field: str) -> None:
    assert [problem.field for problem in problems(tmp_path, quiet(*lines))] == [field]


def test_a_channel_may_have_words_of_its_own(tmp_path: Path) -> None:
    words = '\n[templates.ready_to_collect.sms.en.channel.CHANNEL]\nbody = "$order, by us"\n'
    (tmp_path / "shop.toml").write_text(GOOD, encoding="utf-8")
    channel = load_shop(tmp_path / "shop.toml").channels[0].id
    (tmp_path / "shop.toml").write_text(GOOD + words.replace("CHANNEL", channel), encoding="utf-8")
    (template,) = [one for one in load_shop(tmp_path / "shop.toml").templates if one.channel]
    assert (template.channel, template.body) == (channel, "$order, by us")
    (problem,) = problems(tmp_path, GOOD + words.replace("CHANNEL", "nowhere"))
    assert problem.field == "templates.ready_to_collect.sms.en.channel.nowhere"
