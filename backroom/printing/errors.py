"""What can go wrong at a printer, as errors that say what happens next. They name printers and jobs, nobody else."""

from __future__ import annotations

from enum import Enum

from backroom.domain.errors import AskPerson, Refuse, Retry


class Sent(Enum):
    """How much of a call had left when it failed."""

    NOTHING = "nothing"
    PERHAPS = "perhaps"
    WHOLE = "whole"


class PrinterUnreachable(Retry):
    """The printer did not answer as a printer does. Nothing was printed; what had left of the call stands in `sent`."""

    cause = "printer_unreachable"

    def __init__(self, message: str, *, sent: Sent) -> None:
        super().__init__(message, remedy="Check that it is switched on and on the network.")
        self.sent = sent


class PrinterBusy(Retry):
    """The printer takes no job just now; nothing was printed."""

    cause = "printer_busy"


class PrinterRefused(Refuse):
    """The printer will not do this whoever asks again; nothing was printed."""

    cause = "printer_refused"


class UnsupportedAttribute(Refuse):
    """The printer cannot honour what was asked of it; nothing was printed. `attribute` is its IPP name."""

    cause = "unsupported_attribute"

    def __init__(self, printer: str, attribute: str, value: object) -> None:
        super().__init__(
            f"Printer {printer} does not support {attribute} = {value}.",
            remedy="Change it in the shop file, or give the work to another printer.",
        )
        self.attribute = attribute


class PrinterNotTrusted(AskPerson):
    """What answers at the printer's address cannot prove that it is the printer; nothing was sent to it."""

    cause = "printer_not_trusted"


class BadPrinterAddress(AskPerson):
    """A printer's URI or its pinned fingerprint cannot be used as it stands."""

    cause = "bad_printer_address"
