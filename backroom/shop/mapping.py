"""`[channels.ID.mapping]`: where an order stands in the JSON of a shop that nobody wrote a connector for.

What belongs here: the fields of an order, and the message around it. What does not: how the shop is asked and told
(`mapping_calls`), what the paths mean (`backroom.domain.json_path`). Every wrong path is named with its field.
"""

from __future__ import annotations

from collections.abc import Iterator

from backroom.domain.json_path import BadPath, Name, Path, Source, parse_path, parse_source
from backroom.domain.mapping import (
    AMOUNTS,
    ENCODINGS,
    KEY_FORMS,
    PRICES,
    SCHEMES,
    TIME_FORMS,
    TOLERANCE_SECONDS,
    AddressMapping,
    ConsentMapping,
    DeliveryMapping,
    EndedMapping,
    LineMapping,
    MessageMapping,
    PaymentMapping,
    RefundsMapping,
    ShopMapping,
    SignatureMapping,
)
from backroom.shop.mapping_calls import read_login, read_pay_back, read_poll, read_probe, read_tell
from backroom.shop.section import Section

ADDRESS_FIELDS = (
    *("name", "company", "line1", "line2", "postcode", "city", "region", "country", "latitude", "longitude"),
)
MEDIA = ("sms", "email")
PURPOSES = ("order_updates", "marketing")
HEADER = "[A-Za-z0-9-]{1,60}"
_WHOLE = Path("")
_NOWHERE = parse_source("=")
HOW = "Write it like customer.email, lines[0].sku or lines[*]."


def read_mapping(channel: Section) -> ShopMapping:
    """The mapping of a channel; a field that is wrong is reported and stands in for itself."""
    section = channel.section("mapping")
    lines = path(section, "lines", required=True)
    mapping = ShopMapping(
        order=_order(section),
        id=needed(section, "id"),
        placed_at=needed(section, "placed_at"),
        updated_at=source(section, "updated_at") or needed(section, "placed_at"),
        currency=needed(section, "currency"),
        total=needed(section, "total"),
        lines=lines,
        line=_line(section.section("line")),
        payment=_payment(section.section("payment")),
        amounts=section.choice("amounts", AMOUNTS, "major"),
        prices=section.choice("prices", PRICES, "gross"),
        tax_included=source(section, "tax_included"),
        times=section.choice("times", TIME_FORMS, "iso"),
        number=source(section, "number"),
        source=source(section, "source"),
        shipping=source(section, "shipping"),
        discount=source(section, "discount"),
        tax=source(section, "tax"),
        fees=source(section, "fees"),
        payment_reference=source(section, "payment_reference"),
        email=source(section, "email"),
        phone=source(section, "phone"),
        language=source(section, "language"),
        note=source(section, "note"),
        location=source(section, "location"),
        event=source(section, "event"),
        cancelled=_ended(section, "cancelled"),
        fulfilled=_ended(section, "fulfilled"),
        refunds=_refunds(section),
        address=_address(section),
        delivery=_delivery(section),
        consents=tuple(_consents(section)),
        message=_message(section),
        signature=_signature(section),
        login=read_login(section),
        probe=read_probe(section),
        poll=read_poll(section),
        tell=read_tell(section),
        pay_back=read_pay_back(section),
        file=path(section, "file") if section.has("file") else None,
    )
    if lines.steps and lines.single:
        section.problem("lines", f"{lines.text!r} leads to one value", f'Write "{lines.text}[*]" for all of a list.')
    if mapping.prices == "gross" and mapping.tax and not mapping.tax_included:
        section.problem("tax", "is only added to net prices", 'Remove it, or write prices = "net".')
    if mapping.prices == "net" and not mapping.tax:
        section.problem("tax", "is missing", 'Say where the tax on top stands, or write prices = "gross".')
    if mapping.message.hint and not mapping.poll:
        section.problem("message.hint", "names orders that nothing can fetch", f"Add [{section.at('poll')}].")
    section.done()
    return mapping


def source(section: Section, key: str, *, required: bool = False) -> Source | None:
    """Where a field comes from; None when it is absent or wrong, which is reported."""
    written = section.one_or_more(key, required=required)
    if not written:
        return None
    try:
        return parse_source(written)
    except BadPath as error:
        section.problem(key, str(error), HOW)
        return None


def needed(section: Section, key: str) -> Source:
    return source(section, key, required=True) or _NOWHERE


def path(section: Section, key: str, *, required: bool = False) -> Path:
    """A single path; the whole document when it is absent or wrong, which is reported."""
    text = section.text(key, None if required else "")
    try:
        return parse_path(text)
    except BadPath as error:
        section.problem(key, str(error), HOW)
        return _WHOLE


def words(section: Section, key: str) -> frozenset[str]:
    """Words of the other side, in small letters."""
    return frozenset(word.lower() for word in section.one_or_more(key))


def _order(section: Section) -> Path:
    """Where the order stands in a message: names only, so that one that was fetched can be put there."""
    found = path(section, "order")
    if not all(isinstance(step, Name) for step in found.steps):
        section.problem("order", f"{found.text!r} holds a bracket", "Write names with dots, such as data.order.")
    return found


def _line(section: Section) -> LineMapping:
    line = LineMapping(
        id=needed(section, "id"),
        sku=needed(section, "sku"),
        quantity=needed(section, "quantity"),
        unit_price=source(section, "unit_price"),
        total=source(section, "total"),
        discount=source(section, "discount"),
        title=source(section, "title"),
        personalisation=source(section, "personalisation"),
        artwork=source(section, "artwork"),
    )
    if not line.unit_price and not line.total:
        section.problem("unit_price", "is missing", "Say where the price of one piece stands, or the line's total.")
    if line.total and line.discount:
        section.problem("discount", "is taken off total already", "Name unit_price and discount, or total.")
    section.done()
    return line


def _payment(section: Section) -> PaymentMapping:
    payment = PaymentMapping(
        field=needed(section, "field"),
        paid=words(section, "paid"),
        pending=words(section, "pending"),
        refunded=words(section, "refunded"),
    )
    if not payment.paid:
        section.problem("paid", "is missing", 'List the words that mean paid: paid = ["paid", "captured"].')
    twice = (payment.paid & payment.pending) | (payment.paid & payment.refunded) | (payment.pending & payment.refunded)
    for word in sorted(twice):
        section.problem("paid", f"{word!r} stands in two lists", "Leave it in one.")
    section.done()
    return payment


def _ended(mapping: Section, key: str) -> EndedMapping | None:
    if not mapping.has(key):
        return None
    section = mapping.section(key)
    ended = EndedMapping(needed(section, "field"), words(section, "words"))
    section.done()
    return ended


def _refunds(mapping: Section) -> RefundsMapping | None:
    if not mapping.has("refunds"):
        return None
    section = mapping.section("refunds")
    by_line = any(section.has(key) for key in ("lines", "line", "quantity"))
    refunds = RefundsMapping(
        at=path(section, "at", required=True),
        amount=needed(section, "amount"),
        field=source(section, "field"),
        words=words(section, "words"),
        lines=path(section, "lines", required=True) if by_line else None,
        line=needed(section, "line") if by_line else None,
        quantity=needed(section, "quantity") if by_line else None,
    )
    if bool(refunds.field) != bool(refunds.words):
        section.problem("words", "and field go together", "Say both, or neither where every refund there was paid.")
    section.done()
    return refunds


def _address(mapping: Section) -> AddressMapping | None:
    if not mapping.has("address"):
        return None
    section = mapping.section("address")
    at = []
    for text in section.one_or_more("at"):
        try:
            at.append(parse_path(text))
        except BadPath as error:
            section.problem("at", str(error), HOW)
    found = {field: source(section, field) for field in ADDRESS_FIELDS}
    for field in ("line1", "city"):
        if found[field] is None and not section.has(field):
            section.problem(field, "is missing", "Say where it stands: no parcel arrives without it.")
    section.done()
    return AddressMapping(tuple(at), {field: one for field, one in found.items() if one is not None})


def _delivery(mapping: Section) -> DeliveryMapping | None:
    if not mapping.has("delivery"):
        return None
    section = mapping.section("delivery")
    delivery = DeliveryMapping(
        field=needed(section, "field"),
        ship=words(section, "ship"),
        collect=words(section, "collect"),
        carry_out=words(section, "carry_out"),
    )
    section.done()
    return delivery


def _consents(mapping: Section) -> Iterator[ConsentMapping]:
    for number, row in enumerate(mapping.rows("consents"), 1):
        if not isinstance(row, dict):
            mapping.problem("consents", "is not a list of tables", f"Begin each with [[{mapping.at('consents')}]].")
            continue
        section = Section(row, f"{mapping.at('consents')}.{number}", mapping.report)
        yield ConsentMapping(
            medium=section.choice("medium", MEDIA),
            purpose=section.choice("purpose", PURPOSES, "order_updates"),
            granted=needed(section, "granted"),
            wording=section.text("wording"),
        )
        section.done()


def _message(mapping: Section) -> MessageMapping:
    if not mapping.has("message"):
        return MessageMapping()
    section = mapping.section("message")
    message = MessageMapping(
        topic=source(section, "topic"),
        topic_header=section.text("topic_header", "", pattern=HEADER, form="a header's name"),
        id_header=section.text("id_header", "", pattern=HEADER, form="a header's name"),
        takes=words(section, "takes"),
        pings=words(section, "pings"),
        hint=source(section, "hint"),
    )
    if (message.takes or message.pings) and not (message.topic or message.topic_header):
        section.problem("topic", "is missing", "Say where the message says what happened: topic, or topic_header.")
    section.done()
    return message


def _signature(mapping: Section) -> SignatureMapping | None:
    if not mapping.has("signature"):
        return None
    section = mapping.section("signature")
    scheme = section.choice("scheme", SCHEMES)
    header, prefix, encoding, timestamp, signed = "", "", "hex", "", "{body}"
    form, tolerance = "text", TOLERANCE_SECONDS
    if scheme in ("hmac-sha256", "token"):
        header = section.text("header", pattern=HEADER, form="a header's name, such as X-Signature")
        # Spaces belong to it, as in "Bearer ".
        prefix = section.verbatim("prefix", "")
    if scheme == "hmac-sha256":
        encoding = section.choice("encoding", ENCODINGS)
        form = section.choice("key_form", KEY_FORMS, "text")
        timestamp = section.text("timestamp_header", "", pattern=HEADER, form="a header's name")
        signed = section.verbatim("signed", "{timestamp}.{body}" if timestamp else "{body}")
        if "{body}" not in signed:
            section.problem("signed", "has no {body} in it", 'Write it like "{timestamp}.{body}".')
        if bool(timestamp) != ("{timestamp}" in signed):
            section.problem("signed", "and timestamp_header go together", "Name the header, and {timestamp} in signed.")
    if scheme == "standard-webhooks" or timestamp:
        tolerance = section.whole("tolerance_seconds", TOLERANCE_SECONDS, low=10, high=3600)
    section.done()
    return SignatureMapping(scheme, header, prefix, encoding, form, timestamp, signed, tolerance)
