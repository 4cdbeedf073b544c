"""IPP operations on one printer: each a request, its answer, and what its status code means (RFC 8011, section 4).

What belongs here: what every operation has in common. What does not: bytes (`encoding`), connections (`wire`), and the
way of a job (`ipp`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeAlias

from backroom.printing.capabilities import DescriptionError, read_description
from backroom.printing.encoding import Answer, Attribute, Group, MessageError, Tag, Value, attribute, decode, encode
from backroom.printing.errors import PrinterBusy, PrinterRefused, PrinterUnreachable, Sent, UnsupportedAttribute
from backroom.printing.wire import ANSWER_S, Wire

USER = "backroom"

Attributes: TypeAlias = Mapping[str, tuple[Value, ...]]


class Operation(IntEnum):
    """RFC 8011, section 5.4.15."""

    CREATE_JOB = 0x0005
    SEND_DOCUMENT = 0x0006
    CANCEL_JOB = 0x0008
    GET_JOB_ATTRIBUTES = 0x0009
    GET_JOBS = 0x000A
    GET_PRINTER_ATTRIBUTES = 0x000B


class Status(IntEnum):
    """Status codes that mean something to us (RFC 8011, appendix B)."""

    OK = 0x0000
    LAST_OK = 0x00FF
    NOT_POSSIBLE = 0x0404
    NOT_FOUND = 0x0406
    GONE = 0x0407
    FORMAT_NOT_SUPPORTED = 0x040A
    ATTRIBUTES_OR_VALUES_NOT_SUPPORTED = 0x040B
    CONFLICTING_ATTRIBUTES = 0x040E
    FIRST_SERVER_ERROR = 0x0500
    OPERATION_NOT_SUPPORTED = 0x0501
    VERSION_NOT_SUPPORTED = 0x0503


class Operations:
    """The operations of one printer. Every one may raise PrinterUnreachable, PrinterNotTrusted and PrinterRefused.

    PrinterBusy is any trouble of the printer's own that may pass (0x05xx); UnsupportedAttribute names what it refused.
    """

    def __init__(self, name: str, uri: str, fingerprint: str | None) -> None:
        self.name = name
        self._wire = Wire(name, uri, fingerprint)
        self._request_ids = itertools.count(1)

    def describe(self, wanted: Sequence[str]) -> Mapping[str, Any]:
        """The printer attributes of these names, as pyipp reads them."""
        requested = [attribute(Tag.KEYWORD, "requested-attributes", *wanted)]
        body = self._encode(Operation.GET_PRINTER_ATTRIBUTES, requested, (), None)
        answer = self._wire.post(body)
        self._check(self._decode(answer), allow=())
        try:
            return read_description(answer)
        except DescriptionError as error:
            raise self.no_ipp() from error

    def call(
        self,
        operation: Operation,
        attributes: Sequence[Attribute] = (),
        template: Sequence[Attribute] = (),
        *,
        job_id: str | None = None,
        document: bytes = b"",
        answer_s: float = ANSWER_S,
        allow: Sequence[int] = (),
    ) -> Answer:
        """Carry out an operation; status codes in `allow` are answers like success. `answer_s` bounds the waiting."""
        body = self._encode(operation, attributes, template, job_id) + document
        answer = self._decode(self._wire.post(body, answer_s=answer_s))
        self._check(answer, allow)
        return answer

    def _encode(
        self, operation: Operation, attributes: Sequence[Attribute], template: Sequence[Attribute], job_id: str | None
    ) -> bytes:
        # RFC 8011 section 4.1.4 and 4.1.5 fix the order of the first ones.
        target = [attribute(Tag.URI, "printer-uri", self._wire.uri)]
        if job_id is not None:
            target.append(attribute(Tag.INTEGER, "job-id", int(job_id)))
        groups = [
            (
                Group.OPERATION,
                [
                    attribute(Tag.CHARSET, "attributes-charset", "utf-8"),
                    attribute(Tag.LANGUAGE, "attributes-natural-language", "en"),
                    *target,
                    attribute(Tag.NAME, "requesting-user-name", USER),
                    *attributes,
                ],
            )
        ]
        if template:
            groups.append((Group.JOB, list(template)))
        return encode(operation, next(self._request_ids), groups)

    def _decode(self, answer: bytes) -> Answer:
        try:
            return decode(answer)
        except MessageError as error:
            raise self.no_ipp() from error

    def _check(self, answer: Answer, allow: Sequence[int]) -> None:
        status = answer.status
        if status <= Status.LAST_OK or status in allow:
            return
        if status in (Status.ATTRIBUTES_OR_VALUES_NOT_SUPPORTED, Status.CONFLICTING_ATTRIBUTES):
            raise self.unsupported(answer.first(Group.UNSUPPORTED))
        said = word(answer.first(Group.OPERATION), "status-message") or "no reason given"
        told = f"Printer {self.name} answered {status:#06x}: {said}"
        for_good = (Status.OPERATION_NOT_SUPPORTED, Status.VERSION_NOT_SUPPORTED)
        if status >= Status.FIRST_SERVER_ERROR and status not in for_good:
            raise PrinterBusy(told)
        raise PrinterRefused(told, remedy="Check that the printer may be used like this.")

    def unsupported(self, attributes: Attributes) -> UnsupportedAttribute:
        """The error for a group of unsupported attributes, after its first."""
        name = next(iter(attributes), "an attribute it does not name")
        return UnsupportedAttribute(self.name, name, ", ".join(str(one) for one in attributes.get(name, ())))

    def no_ipp(self) -> PrinterUnreachable:
        return PrinterUnreachable(f"Printer {self.name} answered what is no IPP.", sent=Sent.PERHAPS)


def words(attributes: Attributes, name: str) -> tuple[str, ...]:
    """The textual values of an attribute; empty when it is absent or has no value."""
    return tuple(one for one in attributes.get(name, ()) if isinstance(one, str) and one)


def word(attributes: Attributes, name: str) -> str:
    return next(iter(words(attributes, name)), "")
