"""F8 in the forms of staff's pages: each of them, with what no page of ours sends, and photos that are none."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import strategies as st

from backroom.gateway.app import create_app
from backroom.shop import room as rooms
from backroom.store import sample_desk
from backroom.store.api_keys import make_key
from tests.benches import open_bench
from tests.faults.asks import Ask, Line
from tests.faults.ends import check_ends, check_good, open_every_channel
from tests.faults.poison import CURRENCIES, NUMBERS, TEXTS
from tests.faults.poisoned_pictures import picture, pictures
from tests.faults.table import Fault
from tests.faults.test_poison import Sender, drawn
from tests.shops import BOOTH, HUB, PLAIN, SCARCE, SOUTH, Floor

# What pages of ours are called; the other doors have poison of their own (`asks`).
_PAGES = re.compile(
    r"/(orders|prints|scan|effects|quarantine|samples|returns|transfers|events|booths|parcels|collect|courier|conflicts)"
)
FIELDS = ("note", "email", "phone", "code", "order", "decision", "what", "word", "until", "state", "shown", "says")
FIELDS += ("rest", "reference", "reason", "promised_at", "pieces", "other", "language", "keep", "instead_of", "fault")
FIELDS += ("disposition", "batch", "back", "at", "amount", "moved", "line.1.sku", "line.1.quantity", "1", "press-1")
FIELDS += ("address.name", "address.line1", "address.postcode", "address.city", "address.country")
# The words that a form does know, so that poison beside them is looked at.
WORDS = (
    "done",
    "again",
    "failed",
    "good",
    "bad",
    "release",
    "yes",
    "no",
    "1",
    PLAIN,
    f"press-1/{SCARCE}",
    "ink/press-1/",
)
BOUNDARY = "----------------------------1234567890"


def multipart(fields: dict[str, str], files: dict[str, bytes]) -> bytes:
    """A form as a browser sends it (RFC 7578); a name with a line's end in it breaks it, as it would there."""
    body = b""
    for name, value in fields.items():
        said = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        body += said.encode("utf-8", "surrogatepass")
    for name, content in files.items():
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'.encode()
        body += content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def _answers(*words: Any) -> st.SearchStrategy[str]:
    return st.sampled_from([*words, *TEXTS, *map(str, NUMBERS), *CURRENCIES])


@st.composite
def forms(draw: st.DrawFn, path: str, key: str, numbers: list[str], sample: int) -> Ask:
    """One form, sent to something that is there most of the time."""
    given = draw(st.dictionaries(st.sampled_from(FIELDS), _answers(*WORDS), max_size=6))
    known: dict[str, tuple[Any, ...]] = {"location": (BOOTH, BOOTH, HUB, SOUTH)}
    if path.startswith("/orders"):
        known["number"] = tuple(numbers)
    if path.startswith("/samples"):
        known["number"], known["location"] = (sample,), (BOOTH,)
    poison = draw(st.integers(0, 3)) == 0

    def named(match: re.Match[str]) -> str:
        text = draw(_answers()) if poison else str(draw(st.sampled_from(known.get(match[1], (1, 1, 2)))))
        return quote(text.encode("utf-8", "surrogatepass")[:300], "")

    target = re.sub(r"\{(\w+)\}", named, path)
    bearer = ("Authorization", f"Bearer {key}".encode())
    accept = ("Accept", b"text/html")
    if path.endswith("/word"):
        body = multipart(given, {"photo": draw(pictures())} if draw(st.booleans()) else {})
        if draw(st.integers(0, 3)) == 0:
            place = draw(st.integers(0, len(body) - 1))
            body = body[:place] + draw(st.binary(max_size=4)) + body[place + draw(st.integers(0, 40)) :]
        kind = f"multipart/form-data; boundary={BOUNDARY}".encode()
        return Ask("upload", "POST", target, (bearer, accept, ("Content-Type", kind)), body)
    sent = urlencode(given, errors="surrogatepass").encode()
    kind = b"application/x-www-form-urlencoded"
    return Ask("form", "POST", target, (bearer, accept, ("Content-Type", kind)), sent)


@pytest.mark.fault("F8 forms")
@pytest.mark.timeout(3600)
def test_poison_in_any_form_of_a_page_is_answered_and_holds_no_good_order_up(
    floor: Floor, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_every_channel(floor, monkeypatch)
    numbers = [floor.taken_in((SCARCE, 2), at=place) for place in (HUB, SOUTH, BOOTH, BOOTH)]
    floor.fulfil(BOOTH)
    room = floor.room
    key = room.database.write(lambda c: make_key(c, "Ada", "staff", ""))
    answers: dict[str, Counter[int]] = {}
    with open_bench(floor, room.shop.location(BOOTH).printers) as bench:
        rooms._open[room.home.resolve()] = floor.room
        sender = Sender(bench.url)
        described = create_app(floor.room, None).openapi()["paths"]
        paths = sorted(path for path, acts in described.items() if "post" in acts and _PAGES.match(path))
        assert len(paths) > 30

        def printed() -> int:
            return floor.room.database.write(
                lambda c: sample_desk.printed(c, floor.room.shop, SCARCE, BOOTH, "press-1", "Ada")
            )

        for path in paths:
            many = fault.volume(4, 60, 200) * (3 if path.endswith("/word") else 1)
            sample = printed() if path.startswith("/samples") else 0
            answers[path] = Counter(
                sender.send(ask).status for ask in drawn(forms(path, key, numbers, sample), many, fault.seed)
            )
        # After all that, an order goes its way, and a good photo is good.
        good = floor.order((PLAIN, 1), at=HUB)
        floor.intake()
        for place in (HUB, SOUTH, BOOTH):
            floor.fulfil(place)
        check_good(floor, [good])
        sample = printed()
        body = multipart({"says": "good", "note": "deep black"}, {"photo": picture("JPEG")})
        headers = (
            ("Authorization", f"Bearer {key}".encode()),
            ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}".encode()),
        )
        said = Line(bench.url).send(Ask("upload", "POST", f"/samples/{BOOTH}/{sample}/word", headers, body))
        assert said.status == 303, said
    # A form whose every answer is that there is no such page, or no such key, was not reached.
    shut = {path for path, seen in answers.items() if set(seen) <= {401, 403, 405}}
    assert shut == set()
    # What these are about is not there in this shop: they say so before they look at the form.
    fault.tell(only_404=sum(set(seen) == {404} for seen in answers.values()))
    check_ends(floor)
    sums = sum(answers.values(), Counter[int]())
    fault.tell(inputs=sums.total(), forms=len(paths), **{f"answers_{code}": sums[code] for code in sorted(sums)})
