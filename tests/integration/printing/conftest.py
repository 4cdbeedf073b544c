"""What the printing tests share: real virtual printers."""

from tests.printers import private_bus, virtual_printer_factory

__all__ = ["private_bus", "virtual_printer_factory"]
