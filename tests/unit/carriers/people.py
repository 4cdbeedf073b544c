"""The people and parcels that the tests of labels send things to."""

from __future__ import annotations

from dataclasses import replace

from backroom.carriers.courier import LocalCourier
from backroom.domain.labels import LabelData, LabelRequest, ParcelSpec, PostalAddress, Purchase

SHOP = PostalAddress("Atelier Nord", None, ("Kastanienallee 12",), "10435", "Berlin", None, "DE", None)
ANNA = PostalAddress("Anna Groß", None, ("Große Straße 5",), "80331", "München", None, "DE", "+4915112345678")
LUKASZ = PostalAddress("Łukasz Żółć", None, ("ul. Świętokrzyska 31/33",), "00-001", "Warszawa", None, "PL", None)
ANH = PostalAddress("Nguyễn Thị Ánh", None, ("12 Đường Lê Lợi",), "700000", "Hồ Chí Minh", None, "VN", None)
TARO = PostalAddress("山田 太郎", "株式会社見本", ("千代田区丸の内1-9-1",), "100-6701", "", "東京都", "JP", None)
MINSU = PostalAddress("김민수", None, ("세종대로 110",), "04524", "중구", "서울특별시", "KR", None)
ASA = PostalAddress("Åsa Ångström", None, ("Drottninggatan 1",), "111 51", "Stockholm", None, "SE", None)
EVERYBODY = (ANNA, LUKASZ, ANH, TARO, MINSU, ASA)


def courier(max_weight_g: int = 20_000) -> LocalCourier:
    return LocalCourier(
        name="City Courier",
        countries=("DE", "PL", "VN", "JP", "KR", "SE", "US", "HK"),
        max_weight_g=max_weight_g,
        prices={"standard": 490, "express": 990},
        currency="EUR",
    )


def request(recipient: PostalAddress = ANNA, number: str = "A-1042", weight_g: int = 850) -> LabelRequest:
    return LabelRequest(f"label:{number}:1", number, SHOP, recipient, ParcelSpec(weight_g), "standard", "2026-11-22")


def bought(recipient: PostalAddress = ANNA, number: str = "A-1042") -> Purchase:
    (outcome,) = courier().buy([request(recipient, number)])
    assert isinstance(outcome, Purchase), outcome
    return outcome


def label_to(recipient: PostalAddress) -> LabelData:
    """A label that no courier checked: whatever an address holds, drawing it must go well."""
    return replace(bought().shipping, recipient=recipient)
