"""How many pages lie printed in a folder: what a printer that prints into a folder has put out.

What belongs here: counting them in the files themselves. Our sheets name each page in clear, as PDF files do that
compress their streams only; nothing is installed for it where other systems run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")


def pages(files: Iterable[Path]) -> int:
    """The pages of these PDF files together."""
    return sum(len(_PAGE.findall(file.read_bytes())) for file in files)
