"""Partners of the shop file: `[locations.ID.partner]`, and what each calls our pieces.

What belongs here: the fields of that table. What does not: speaking with a partner (`backroom.partners`), the location
around it (`places`).
"""

from __future__ import annotations

from decimal import Decimal

from backroom.domain.money import exponent
from backroom.domain.partners import (
    ADAPTERS,
    PLACEMENTS,
    ROBOT_CELL,
    SHIPS_TO,
    TO_CUSTOMER,
    TO_HUB,
    URLS,
    PartnerProduct,
    PartnerSpec,
)
from backroom.shop import values
from backroom.shop.section import Section

PLACEMENT = r"[A-Za-z][A-Za-z0-9_-]{0,39}"
MOST_EXCHANGE = 100_000


def read_partner(location: Section, kind: str, shop_currency: str) -> PartnerSpec | None:
    """The partner of a location of kind partner or robot_cell; None for a place of our own, which has none."""
    adapters = ADAPTERS.get(kind)
    if adapters is None:
        if location.has("partner"):
            location.problem(
                "partner", f"a location of kind {kind} is our own", 'Write kind = "partner", or remove it.'
            )
        return None
    section = location.section("partner")
    currency = section.parsed("currency", values.currency, shop_currency) or shop_currency
    digits = exponent(currency)
    default = TO_HUB if kind == ROBOT_CELL else TO_CUSTOMER
    adapter = section.choice("adapter", adapters, adapters[0])
    spec = PartnerSpec(
        adapter=adapter,
        url=section.text(
            "url", URLS.get(adapter), pattern=values.SERVICE_URL, form="an address such as https://workshop.example.com"
        ),
        secret=_secret(section, "secret", required=True),
        webhook_secret=_secret(section, "webhook_secret", required=False),
        products=_read_products(section, digits, adapter),
        ships_to=section.choice("ships_to", SHIPS_TO, default),
        countries=_read_countries(section),
        lead_days=section.whole("lead_days", 0, high=365),
        shipping_minor=section.money("shipping", digits, 0),
        currency=currency,
        exchange=_read_exchange(section, currency, shop_currency),
        shipping_method=section.text("shipping_method", ""),
    )
    if kind == ROBOT_CELL and spec.ships_to != TO_HUB:
        section.problem("ships_to", "a robot cell sends nothing to customers", 'Write "hub", or leave it out.')
    if spec.fetches:
        _check_print_on_demand(section, spec)
    if kind != ROBOT_CELL and not spec.products:
        section.problem("products", "is missing", f"Add what it makes: [[{section.at('products')}]] with sku and code.")
    section.done()
    return spec


def _check_print_on_demand(section: Section, spec: PartnerSpec) -> None:
    if spec.ships_to != TO_CUSTOMER:
        section.problem("ships_to", f"{spec.adapter} sends to customers", "Remove it.")
    if spec.adapter == "prodigi" and spec.webhook_secret:
        section.problem("webhook_secret", "Prodigi signs nothing: its callbacks are hints", "Remove it.")


def _secret(section: Section, key: str, *, required: bool) -> str:
    return section.text(
        key, None if required else "", pattern=values.DOTTED_NAME, form="the name of a secret, such as partner.workshop"
    )


def _read_countries(section: Section) -> tuple[str, ...]:
    countries = []
    for text in section.texts("countries", ()):
        try:
            countries.append(values.country(text))
        except values.BadValue as error:
            section.problem("countries", error.message, error.remedy)
    return tuple(countries)


def _read_exchange(section: Section, currency: str, shop_currency: str) -> Decimal:
    """What one unit of the partner's currency is in the shop's, and in minor units of both."""
    if currency == shop_currency:
        if section.has("exchange"):
            section.problem("exchange", "is of no use in the shop's own currency", "Remove it.")
        return Decimal(1)
    rate = Decimal(str(section.number("exchange", low=0.000001, high=MOST_EXCHANGE)))
    return rate.scaleb(exponent(shop_currency) - exponent(currency))


def _read_products(section: Section, digits: int, adapter: str) -> tuple[PartnerProduct, ...]:
    products: dict[str, PartnerProduct] = {}
    for number, row in enumerate(section.rows("products"), 1):
        if not isinstance(row, dict):
            section.problem("products", "is not a list of tables", f"Begin each with [[{section.at('products')}]].")
            continue
        sku = row.get("sku")
        one = Section(row, section.at(f"products.{sku if isinstance(sku, str) and sku else number}"), section.report)
        product = PartnerProduct(
            sku=one.text("sku"),
            code=_read_code(one, adapter),
            placement=one.text(
                "placement", PLACEMENTS.get(adapter, "front"), pattern=PLACEMENT, form="a print area such as front"
            ),
            technique=one.text("technique", ""),
            attributes=_read_attributes(one),
            price_minor=one.money("price", digits, 0),
            artwork=one.flag("artwork", True),
        )
        if product.sku in products:
            one.problem("sku", "is listed twice", "Keep one of them.")
        products[product.sku] = product
        one.done()
    return tuple(products.values())


def _read_code(section: Section, adapter: str) -> str:
    if adapter == "printful":
        return section.text("code", pattern="[0-9]{1,9}", form="the number of a catalogue variant, such as 4012")
    return section.text("code")


def _read_attributes(section: Section) -> dict[str, str]:
    if not section.has("attributes"):
        return {}
    attributes = {}
    for name, value in section.table("attributes").items():
        if isinstance(value, str):
            attributes[name] = value
        else:
            section.problem(f"attributes.{name}", "is not a text", "Write it in quotes.")
    return attributes
