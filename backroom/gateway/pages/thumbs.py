"""What lies at the lower edge of a booth's pages, where the thumbs of both hands are."""

from __future__ import annotations

from urllib.parse import quote

from backroom.domain.locations import Location
from backroom.gateway.pages.html import Html, link

_WAYS = (
    ("/booths/{}", "Booth"),
    ("/scan/{}", "Scan"),
    ("/collect/{}", "Hand over"),
    ("/returns/at/{}", "Take back"),
    ("/prints/{}", "Prints"),
    ("/prints/{}#out", "Bad print"),
)


def thumbs(place: Location, here: str = "") -> tuple[Html, ...]:
    """The ways from one page of a booth to the others, without the page that is `here`; none at a hub's bench."""
    if place.promise is None:
        return ()
    return tuple(link(path.format(quote(place.id, safe="")), text) for path, text in _WAYS if text != here)
