"""What labels of a wave have in common is laid out once, and nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pypdfium2
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageChops

from backroom.carriers.layout import Layouts
from backroom.carriers.sheets import render_labels
from backroom.carriers.zpl import zpl
from backroom.domain.labels import LabelData
from tests.unit.carriers.people import EVERYBODY, bought

PURCHASES = [bought(one) for one in EVERYBODY]
LABELS = [label for purchase in PURCHASES for label in (purchase.shipping, purchase.return_)]
# A letter that no font of ours has: a box, which is counted.
UNKNOWN = "\ue000"


def changed(label: LabelData, what: str) -> LabelData:
    if what == "weight":
        return replace(label, weight_g=label.weight_g + 250)
    if what == "day":
        return replace(label, date="2031-01-02")
    if what == "service":
        return replace(label, service="Express")
    if what == "sender":
        return replace(label, sender=replace(label.sender, name=f"Somebody {UNKNOWN}"))
    if what == "recipient":
        return replace(label, recipient=replace(label.recipient, name=f"Another {UNKNOWN}"))
    return label


waves = st.lists(
    st.builds(
        changed, st.sampled_from(LABELS), st.sampled_from(["", "weight", "day", "service", "sender", "recipient"])
    ),
    min_size=2,
    max_size=8,
)


@given(waves)
@settings(max_examples=60)
def test_a_label_of_a_wave_is_the_zpl_that_it_is_alone(wave: list[LabelData]) -> None:
    layouts = Layouts()
    assert [zpl(label, layouts) for label in wave] == [zpl(label) for label in wave]


@given(waves)
@settings(max_examples=8)
def test_a_label_of_a_wave_looks_on_its_page_as_it_does_alone(wave: list[LabelData]) -> None:
    layouts = Layouts()
    for label in wave:
        zpl(label, layouts)
    together = pypdfium2.PdfDocument(render_labels(wave, layouts))
    for number, label in enumerate(wave):
        alone = pypdfium2.PdfDocument(render_labels([label]))[0].render().to_pil()
        assert ImageChops.difference(together[number].render().to_pil(), alone).getbbox() is None
