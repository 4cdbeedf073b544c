"""Webhook signatures: checking those that come, and making those that the demo and the tests send.

Shopify (`X-Shopify-Hmac-Sha256`, shopify.dev "Verify webhooks") and WooCommerce (`X-WC-Webhook-Signature`,
WC_Webhook::generate_signature) sign alike: the base64 of an HMAC-SHA256 (RFC 2104) of the raw body under the secret.
"""

from __future__ import annotations

from backroom.channels.base import BadSignature, digest
from backroom.domain import signatures

SHOPIFY_HEADER = "X-Shopify-Hmac-Sha256"
WOOCOMMERCE_HEADER = "X-WC-Webhook-Signature"


def signature(body: bytes, secret: str) -> str:
    """The base64 of the HMAC-SHA256 of the raw body."""
    return signatures.in_base64(secret, body)


def check(body: bytes, told: str, secret: str) -> None:
    """Raise BadSignature unless `told` is the body's signature. Takes the same time wherever they differ."""
    if not secret:
        # An empty key would make a signature that anybody can make.
        raise BadSignature("this channel has no secret", remedy="Name its secret in the shop file and set it.")
    signatures.check(told, signature(body, secret))


def sign(kind: str, body: bytes, secret: str, *, topic: str = "", shop_domain: str = "") -> dict[str, str]:
    """The headers with which a channel of that kind delivers `body`; ValueError for a kind that signs nothing.

    The delivery id is made from topic and body: sending the same again is a repeated delivery.
    """
    delivery = digest(topic.encode() + b"\n" + body)[:32]
    if kind == "shopify":
        headers = {
            SHOPIFY_HEADER: signature(body, secret),
            "X-Shopify-Topic": topic or "orders/create",
            "X-Shopify-Event-Id": delivery,
            "X-Shopify-Webhook-Id": delivery,
        }
        if shop_domain:
            headers["X-Shopify-Shop-Domain"] = shop_domain
    elif kind == "woocommerce":
        headers = {
            WOOCOMMERCE_HEADER: signature(body, secret),
            "X-WC-Webhook-Topic": topic or "order.created",
            "X-WC-Webhook-Delivery-ID": delivery,
        }
    else:
        raise ValueError(f"a channel of kind {kind!r} signs nothing")
    return headers | {"Content-Type": "application/json"}
