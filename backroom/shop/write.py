"""The shop file that `backroom init` writes: commented, complete, and right by `backroom shop check`.

What belongs here: the words of a new `shop.toml`. What does not: the questions (`questions`), the layout (`load`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from backroom.domain.locations import GARMENT_PROCESSES

_WEEKDAY_HOURS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-18:00")
_MARKET_HOURS = {"fri": "16:00-23:00", "sat": "10:00-23:00", "sun": "10:00-20:00"}
_EVENT = "market"


def write_shop_file(answers: Mapping[str, str]) -> str:
    """The text of a shop file from the settled answers to `questions.QUESTIONS`."""
    parts = (_shop, _hub, _local_hub, _booth, _channels, _slas, _rules, _rest)
    return "\n".join(line for part in parts for line in part(answers)) + "\n"


def _shop(answers: Mapping[str, str]) -> Iterator[str]:
    yield "# The shop, as `backroom init` wrote it. Change what you like, then run `backroom shop check`."
    yield "# No secret ever stands in here: they are in secrets.toml beside this file."
    yield ""
    yield "[shop]"
    for key in ("name", "currency", "country", "language", "timezone", "email", "phone"):
        if answers.get(key):
            yield f"{key} = {_text(answers[key])}"
    yield 'order_prefix = "A"            # orders are called A-1042'
    yield 'hub = "main-hub"              # where orders come in, and whose hours promises are made from'
    yield 'artwork_folder = "artwork"'
    yield '# postcodes = "postcodes.csv"  # country,postcode,latitude,longitude: for channels without coordinates'
    yield ""
    yield "[shop.sender]                 # on labels; returns go there as well"
    yield f"lines = [{_text(answers['name'])}, {_text(answers['street'])}]"
    yield f"postcode = {_text(answers['postcode'])}"
    yield f"city = {_text(answers['city'])}"
    yield ""
    yield ""
    yield "# Locations. `pool` is the Prefect work pool of the worker beside the printers."
    yield "# A printer is `folder:NAME`, `ipp://…`, or `ipps://…` with the fingerprint of its certificate."


def _hub(answers: Mapping[str, str]) -> Iterator[str]:
    yield from _location("main-hub", "Main hub", "hub", "hub", answers["hub_place"], _WEEKDAY_HOURS)
    yield from _printers("main-hub", "hub-1", answers["hub_printer"])


def _local_hub(answers: Mapping[str, str]) -> Iterator[str]:
    if answers.get("local_hub") == "yes":
        yield from _location("local-hub", "Local hub", "local_hub", "hub", answers["local_place"], _WEEKDAY_HOURS)
        yield from _printers("local-hub", "local-1", answers["local_printer"])


def _booth(answers: Mapping[str, str]) -> Iterator[str]:
    if answers.get("booth") == "yes":
        yield from _location("booth-a", "Booth A", "booth", "booth-a", answers["booth_place"], _MARKET_HOURS)
        yield f"event = {_text(_EVENT)}"
        yield from _printers("booth-a", "booth-1", answers["booth_printer"])


def _location(id_: str, name: str, kind: str, pool: str, place: str, hours: Mapping[str, str]) -> Iterator[str]:
    latitude, _, longitude = place.partition(", ")
    yield ""
    yield f"[locations.{id_}]"
    yield f"name = {_text(name)}"
    yield f"kind = {_text(kind)}"
    yield f"pool = {_text(pool)}"
    yield f"latitude = {latitude}"
    yield f"longitude = {longitude}"
    yield "hours = { " + ", ".join(f'{day} = ["{range_}"]' for day, range_ in hours.items()) + " }"


def _printers(location: str, name: str, uri: str) -> Iterator[str]:
    yield ""
    yield f"[locations.{location}.printers.{name}]"
    yield f"uri = {_text(uri)}"
    yield f"prints = [{', '.join(map(_text, GARMENT_PROCESSES))}]"
    yield 'media = "iso_a4_210x297mm"'
    yield ""
    yield f"[locations.{location}.label_printer]"
    yield f"uri = {_text(f'folder:labels/{location}')}"


def _channels(answers: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield ""
    yield "# Channels. `secret` names the signing secret in secrets.toml. Priority 1 is served first."
    till = "booth-a" if answers.get("booth") == "yes" else "main-hub"
    fields = {
        "shopify": ("web", ["priority = 2", 'sla = "standard"', 'secret = "webhook.web"']),
        "woocommerce": ("woo", ["priority = 3", 'sla = "standard"', 'secret = "webhook.woo"']),
        "pos": ("till", ["priority = 1", 'sla = "standard"', f"location = {_text(till)}"]),
        "csv": ("files", ["priority = 5", 'sla = "standard"']),
    }
    for kind in answers["channels"].split(", "):
        id_, lines = fields[kind]
        yield ""
        yield f"[channels.{id_}]"
        yield f"kind = {_text(kind)}"
        yield from lines
        if kind == "shopify" and answers.get("shop_domain"):
            yield f"shop_domain = {_text(answers['shop_domain'])}"
        if kind == "pos" and till == "booth-a":
            yield f"event = {_text(_EVENT)}"


def _slas(answers: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield ""
    yield "# Promises: hours of open doors until the parcel is handed over, then the carrier's days."
    yield ""
    yield "[slas.standard]"
    yield "handling_hours = 8"
    yield "transit_days_min = 1"
    yield "transit_days_max = 3"
    yield 'cutoff = "14:00"              # later orders count from the next day'


def _rules(answers: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield ""
    yield "# Routing rules, in order: the first that fits the order (`when`) and leaves a location (`where`) wins."
    yield "# `short` says what becomes of pieces that are not in stock: print, backorder, hold or next."
    if answers.get("booth") == "yes":
        yield from _rule("market", f'[["event", "==", {_text(_EVENT)}]]', '[["location", "==", "booth-a"]]')
    if answers.get("local_hub") == "yes":
        yield from _rule(
            "local",
            f'[["country", "==", {_text(answers["country"])}]]',
            '[["kind", "==", "local_hub"], ["distance_km", "<=", 10]]',
        )
    yield from _rule("everything else", "", '[["kind", "==", "hub"]]')


def _rule(name: str, when: str, where: str) -> Iterator[str]:
    yield ""
    yield "[[rules]]"
    yield f"name = {_text(name)}"
    if when:
        yield f"when = {when}"
    yield f"where = {where}"
    yield 'short = "print"'


def _rest(answers: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield ""
    yield "[stock]"
    yield "low_stock = 2                 # this many pieces or fewer are shown as low"
    yield "reservation_hours = 72"
    yield ""
    if answers["samples"] == "yes":
        yield "# What is printed to order needs a sample that somebody looked at and approved (docs/guide/samples.md)."
        yield "[samples]"
        yield "valid_days = 90               # how long an approval lasts"
        yield "most_rejects = 0.1            # the share of bad prints that is put up with; more end an approval"
        yield "least_prints = 10             # of fewer prints nobody can tell"
        yield ""
    yield "[carriers.courier]"
    yield 'kind = "local"                # the built-in courier needs no account'
    yield 'name = "Courier"'
    yield f"countries = [{_text(answers['country'])}]"
    yield "max_weight_g = 20000"
    yield "price = 5                     # for one parcel, in the shop's currency"
    yield ""
    yield "# For how many days what is personal is kept, 0 for ever; these are the usual ones."
    yield "[retention]"
    yield "raw_days = 90                 # what channels sent, as it came"
    yield "labels_days = 90"
    yield "messages_days = 180           # what was written to customers"
    yield "customers_days = 1095         # a customer of whom nothing new came is forgotten"
    yield ""
    yield "# E-mail by a server and SMS by a gateway need the blocks shop-mail and shop-sms in Prefect."
    yield "[messaging]"
    yield f"mail = {_text(answers['mail'])}"
    yield f"sms = {_text(answers['sms'])}"
    yield f"sender_email = {_text(answers['email'])}"
    if answers["sms"] != "none":
        yield f"sender_sms = {_text(answers['sms_sender'])}"
    yield ""
    yield "# Messages have built-in texts in English and German; your own come instead, for example:"
    yield "# [templates.handed_over.sms.en]"
    yield '# body = "$shop: your order $order is on its way. Expected $window. Parcel $tracking"'


def _text(value: str) -> str:
    """A TOML basic string, which is a JSON string where DEL does not occur (toml.io 1.0.0, "String")."""
    return json.dumps(value, ensure_ascii=False)
