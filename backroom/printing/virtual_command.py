"""What a virtual printer does with a document: keep it with everything that was asked of the job, and play trouble.

`ippeveprinter` runs this file for every document, by itself and with nothing but the standard library, so it imports
nothing of ours. It reads what the printer is to suffer from, and how long a print takes, in the folder it is given (see
`virtual`), says so to
`ippeveprinter` on its standard error, and waits there like a printer without paper. `ippeveprinter` lets the command of
a cancelled job run on, so one that waits asks for that: a cancelled job must not come out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

LOOK_S = 0.1
ANSWER_S = 5.0
STOPPING = frozenset(
    {
        "cover-open",
        "input-tray-missing",
        "marker-supply-empty",
        "marker-waste-full",
        "media-empty",
        "media-jam",
        "media-needed",
        "paused",
        "toner-empty",
    }
)


def main(folder: Path, document: Path) -> int:
    """Print one document; the exit status is the job's: 0 completed, 1 aborted."""
    printer = os.getppid()
    told: list[str] | None = None
    takes = left = _seconds(folder)
    while True:
        suffered = (folder / "state").read_text().split()
        if suffered != told:
            _tell(suffered)
            told = suffered
        if not STOPPING.intersection(suffered):
            if left <= 0:
                break
            time.sleep(min(left, LOOK_S))
            left -= LOOK_S
            continue
        if os.getppid() != printer or _is_cancelled():
            # ippeveprinter would never run us again while it knows that it is out of paper: the next job tells it anew.
            _tell([one for one in suffered if one not in STOPPING])
            return 1
        time.sleep(LOOK_S)
    if takes and _is_cancelled():
        return 1
    if (folder / "abort").exists():
        print("ERROR: The virtual printer was told to give up.", file=sys.stderr)
        return 1
    _keep(folder / "jobs", document)
    copies = int(os.environ.get("IPP_COPIES", "1"))
    print(f"ATTR: job-impressions={copies} job-impressions-completed={copies}", file=sys.stderr, flush=True)
    return 0


def _seconds(folder: Path) -> float:
    """How long this job takes: log-normal by the median a piece and its spread in the file `pace`; no time without."""
    pace = folder / "pace"
    if not pace.exists():
        return 0.0
    # Imported here, since it takes longer to load than a job that takes no time.
    import random

    usual, spread = map(float, pace.read_text().split())
    return sum(usual * random.lognormvariate(0.0, spread) for _ in range(int(os.environ.get("IPP_COPIES", "1"))))


def _tell(suffered: list[str]) -> None:
    print(f"STATE: {','.join(suffered) or 'none'}", file=sys.stderr, flush=True)


def _is_cancelled() -> bool:
    """Get-Job-Attributes (RFC 8011 section 4.3.4), looked through for the reason that a cancelled job has."""
    # Imported here, since they take longer to load than a job that waits for nothing takes to print.
    import http.client
    import struct

    uri = os.environ["IPP_JOB_URI"]
    authority, _, path = uri.removeprefix("ipp://").partition("/")
    asked = [
        (0x47, "attributes-charset", "utf-8"),
        (0x48, "attributes-natural-language", "en"),
        (0x45, "job-uri", uri),
        (0x44, "requested-attributes", "job-state-reasons"),
    ]
    body = struct.pack(">bbhib", 2, 0, 0x0009, 1, 0x01)
    for tag, name, value in asked:
        body += struct.pack(f">bh{len(name)}sh{len(value)}s", tag, len(name), name.encode(), len(value), value.encode())
    body += b"\x03"
    connection = http.client.HTTPConnection(authority, timeout=ANSWER_S)
    try:
        connection.request("POST", f"/{path}", body, {"Content-Type": "application/ipp"})
        return b"processing-to-stop-point" in connection.getresponse().read()
    finally:
        connection.close()


def _keep(jobs: Path, document: Path) -> None:
    name = f"{time.time_ns():020d}"
    (jobs / f"{name}{document.suffix}").write_bytes(document.read_bytes())
    asked = {
        variable.removeprefix("IPP_").lower().replace("_", "-"): value
        for variable, value in os.environ.items()
        if variable.startswith("IPP_") and not variable.endswith("_DEFAULT")
    }
    # The description comes last and by a rename: whoever sees it sees the document whole.
    draft = jobs / f".{name}"
    draft.write_text(json.dumps({"document": f"{name}{document.suffix}", "attributes": asked}, indent=2))
    draft.rename(jobs / f"{name}.json")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
