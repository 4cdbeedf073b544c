"""What stands where on a label of 100 × 150 mm: one layout, drawn on a PDF page or as ZPL alike.

What belongs here: positions, sizes and words. What does not: how a canvas draws (`sheets`, `zpl`). All measures are in
millimetres from the upper left corner, and texts stand on their baselines. Positions of codes are multiples of
0.125 mm, one dot at 203 dpi, so that a label printer draws their edges sharply from either form.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Protocol

from backroom.carriers import code128
from backroom.carriers.addresses import country_rules, town_lines
from backroom.carriers.typeface import LINE_HEIGHT, Line, fit_block, fit_line, height, width
from backroom.domain.labels import LabelData, PostalAddress

WIDTH = 100.0
HEIGHT = 150.0
DOT = 0.125

_LEFT, _RIGHT = 4.0, 96.0
_CAPTION = 2.5
_CODE_DOTS = (4, 3, 2, 1)


class Canvas(Protocol):
    """Where a label is drawn. Every text it is given is clean and fits already."""

    def text(self, x: float, baseline: float, line: Line, *, white: bool = False) -> None: ...

    def box(self, x: float, y: float, width: float, height: float) -> None:
        """A filled black rectangle."""
        ...

    def code128(self, x: float, y: float, module: float, height: float, text: str) -> None:
        """The bars; the caller has left room for the quiet zones."""
        ...

    def qr(self, x: float, y: float, size: float, text: str) -> None:
        """A QR code within a square of this size, quiet zone of four modules included."""
        ...

    def repeat(self, part: Part) -> None:
        """Draw what stands on many labels alike; whoever has drawn it before, copies it."""
        ...


# What a canvas is told: the name of its method, the arguments, and whether a text is white.
_Call = tuple[str, tuple[Any, ...], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What stands on many labels alike, equal to itself only: to look it up costs next to nothing."""

    calls: tuple[_Call, ...]

    def draw(self, canvas: Canvas) -> None:
        for call in self.calls:
            _draw(call, canvas)


class Layouts:
    """The layouts of one wave: each label is laid out once, for its PDF page and for its ZPL alike, and what stands on
    many of them (captions, the shop's own address, the date) is laid out once. Kept no longer than the wave: it holds
    names. `written` is for a canvas that is made anew for each label: what it wrote for each part."""

    def __init__(self) -> None:
        self.written: dict[Part, list[str]] = {}
        self._laid_out: dict[LabelData, list[_Call | Part]] = {}
        self._parts: dict[Hashable, Part] = {}
        self._lines: dict[tuple[str, float, float], Line] = {}
        self._towns: dict[PostalAddress, list[str]] = {}

    def draw(self, label: LabelData, canvas: Canvas) -> None:
        """Draw one label."""
        calls = self._laid_out.get(label)
        if calls is None:
            calls = self._laid_out[label] = _Notes(self).calls_for(label)
        for call in calls:
            if isinstance(call, Part):
                canvas.repeat(call)
            else:
                _draw(call, canvas)

    def part(self, key: Hashable, lay_out: Callable[[_Notes], None]) -> Part:
        """What all labels with this key have in common, laid out once."""
        part = self._parts.get(key)
        if part is None:
            notes = _Notes(self)
            lay_out(notes)
            part = self._parts[key] = Part(tuple(call for call in notes.calls if not isinstance(call, Part)))
        return part

    def line(self, text: str, size: float, available: float) -> Line:
        """A bold line that fits."""
        key = (text, size, available)
        if key not in self._lines:
            self._lines[key] = fit_line(Line(text, size, bold=True), available)
        return self._lines[key]

    def town(self, address: PostalAddress) -> list[str]:
        """The lines of an address that name its town."""
        if address not in self._towns:
            self._towns[address] = town_lines(address)
        return self._towns[address]


def _draw(call: _Call, canvas: Canvas) -> None:
    name, arguments, white = call
    method: Callable[..., None] = getattr(canvas, name)
    if white:
        method(*arguments, white=True)
    else:
        method(*arguments)


class _Notes:
    """The canvas on which a label is laid out: it notes what is drawn."""

    def __init__(self, layouts: Layouts) -> None:
        self.layouts = layouts
        self.calls: list[_Call | Part] = []

    def calls_for(self, label: LabelData) -> list[_Call | Part]:
        _lay_out(label, self)
        return self.calls

    def common(self, key: Hashable, lay_out: Callable[[_Notes], None]) -> None:
        """What this label has in common with all others of this key."""
        self.calls.append(self.layouts.part(key, lay_out))

    def text(self, x: float, baseline: float, line: Line, *, white: bool = False) -> None:
        self.calls.append(("text", (x, baseline, line), white))

    def box(self, x: float, y: float, width: float, height: float) -> None:
        self.calls.append(("box", (x, y, width, height), False))

    def code128(self, x: float, y: float, module: float, height: float, text: str) -> None:
        self.calls.append(("code128", (x, y, module, height, text), False))

    def qr(self, x: float, y: float, size: float, text: str) -> None:
        self.calls.append(("qr", (x, y, size, text), False))


def _lay_out(label: LabelData, canvas: _Notes) -> None:
    """Of the two addresses one is the shop's own: it is laid out once for the wave."""
    returns = label.kind == "return"
    foreign = label.sender.country != label.recipient.country
    canvas.common((label.kind, label.service, label.carrier), lambda notes: _band(label, notes))
    if returns:
        _sender(label, foreign, canvas)
    else:
        canvas.common(("from", label.sender, foreign), lambda notes: _sender(label, foreign, notes))
    canvas.common(("date", label.date, label.weight_g), lambda notes: _date_and_weight(label, notes))
    if returns:
        canvas.common(("to", label.recipient, foreign), lambda notes: _recipient(label, foreign, notes))
    else:
        _recipient(label, foreign, canvas)
    canvas.common(("rules", returns), lambda notes: _rules(returns, notes))
    _text(canvas, _LEFT, 94.5, 56.0, label.return_code if returns else label.routing_code, 9.0)
    _text(canvas, _LEFT, 106.5, 56.0, label.order_number, 6.5)
    canvas.qr(68.0, 82.5, 28.0, label.tracking)
    _bars(canvas, 113.0, 24.0, label.tracking)
    number = canvas.layouts.line(readable(label.tracking), 5.0, _RIGHT - _LEFT)
    canvas.text(_centred(number), 143.5, number)


def _rules(returns: bool, canvas: _Notes) -> None:
    """The lines between, and what stands over each field."""
    for y in (31.0, 82.0, 110.0):
        canvas.box(_LEFT, y, _RIGHT - _LEFT, 0.375)
    _caption(canvas, 35.0, "To")
    _caption(canvas, 86.0, "Return code" if returns else "Routing")
    _caption(canvas, 100.0, "Order")


def readable(tracking: str) -> str:
    """The number in groups of four, its leading letters apart: `BS 1234 5678 …`."""
    digits = tracking.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    letters = tracking[: len(tracking) - len(digits)]
    groups = [digits[i : i + 4] for i in range(0, len(digits), 4)]
    return " ".join([letters, *groups]).strip()


def _band(label: LabelData, canvas: _Notes) -> None:
    if label.kind == "return":
        _return_band(label, canvas)
    else:
        _shipping_band(label, canvas)


def _shipping_band(label: LabelData, canvas: _Notes) -> None:
    canvas.box(_LEFT, 4.0, _RIGHT - _LEFT, 12.0)
    service = canvas.layouts.line(label.service.upper(), 7.0, 50.0)
    canvas.text(_LEFT + 4, 12.6, service, white=True)
    carrier = canvas.layouts.line(label.carrier, 4.5, 30.0)
    canvas.text(_RIGHT - 4 - _span(carrier), 12.0, carrier, white=True)


def _return_band(label: LabelData, canvas: _Notes) -> None:
    """A white band in a frame with striped ends: it cannot be taken for the shipping label's black one."""
    canvas.box(_LEFT, 4.0, _RIGHT - _LEFT, 1.0)
    canvas.box(_LEFT, 15.0, _RIGHT - _LEFT, 1.0)
    for stripe in range(4):
        canvas.box(_LEFT + 2.0 * stripe, 4.0, 1.0, 12.0)
        canvas.box(_RIGHT - 1.0 - 2.0 * stripe, 4.0, 1.0, 12.0)
    title = canvas.layouts.line("RETURN / RETOURE", 7.0, 72.0)
    canvas.text(_centred(title), 11.0, title)
    note = fit_line(Line(f"{label.carrier} · put this label over the old one", 2.6), 72.0)
    canvas.text(_centred(note), 14.0, note)


def _sender(label: LabelData, foreign: bool, canvas: _Notes) -> None:
    _caption(canvas, 19.5, "From")
    sender = label.sender
    street = " · ".join(line for line in sender.lines if line)
    named = " · ".join(part for part in (sender.name, sender.company) if part)
    town = " · ".join(canvas.layouts.town(sender))
    country = [country_rules(sender.country).name] if foreign else []
    lines = [Line(text, 2.8) for text in (named, street, " · ".join([town, *country]))]
    _block(canvas, 8.0, 20.0, 58.0, 10.0, lines)


def _date_and_weight(label: LabelData, canvas: _Notes) -> None:
    _caption(canvas, 19.5, "Date and weight", x=70.0)
    _text(canvas, 70.0, 23.8, 26.0, label.date, 3.6)
    _text(canvas, 70.0, 28.6, 26.0, f"{label.weight_g / 1000:.2f} kg", 3.6)


def _recipient(label: LabelData, foreign: bool, canvas: _Notes) -> None:
    """Name and town large: a driver reads them at arm's length."""
    to = label.recipient
    lines = [Line(to.name, 6.4, bold=True), Line(to.company or "", 5.2)]
    lines += [Line(line, 5.2) for line in to.lines]
    lines += [Line(line, 6.4, bold=True) for line in canvas.layouts.town(to)]
    if foreign:
        lines.append(Line(country_rules(to.country).name, 5.2, bold=True))
    if to.phone and label.kind == "shipping":
        lines.append(Line(f"Tel. {to.phone}", 3.6))
    _block(canvas, 8.0, 36.0, 86.0, 44.0, lines)


def _bars(canvas: _Notes, y: float, bar_height: float, text: str) -> None:
    """The widest bars that fit with their quiet zones; DHL, UPS and GS1 ask for 0.25 to 0.5 mm a module."""
    modules = code128.modules(text)
    with_quiet_zones = modules + 2 * code128.QUIET_ZONE
    dots = next((d for d in _CODE_DOTS if d * DOT * with_quiet_zones <= WIDTH), None)
    if dots is None:
        raise code128.NotEncodable(f"a tracking number of {len(text)} characters is too long for a label")
    left = round((WIDTH - dots * DOT * modules) / 2 / DOT) * DOT
    canvas.code128(left, y, dots * DOT, bar_height, text)


def _block(canvas: _Notes, x: float, y: float, box_width: float, box_height: float, lines: list[Line]) -> None:
    fitted = fit_block(lines, box_width, box_height)
    top = y + min((box_height - height(fitted)) / 2, 1.5)
    for line in fitted:
        top += line.size * LINE_HEIGHT
        # Descenders take the last quarter of a line.
        canvas.text(x, top - 0.27 * line.size, line)


def _caption(canvas: _Notes, baseline: float, text: str, x: float = _LEFT) -> None:
    canvas.text(x, baseline, Line(text, _CAPTION))


def _text(canvas: _Notes, x: float, baseline: float, available: float, text: str, size: float) -> None:
    canvas.text(x, baseline, canvas.layouts.line(text, size, available))


def _span(line: Line) -> float:
    return width(line.text, line.bold) * line.size


def _centred(line: Line) -> float:
    return (WIDTH - _span(line)) / 2
