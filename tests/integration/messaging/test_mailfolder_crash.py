"""The mail folder under kill -9: whatever has a name is whole, and the next run completes the rest, once each."""

from __future__ import annotations

import subprocess
import sys
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from backroom.messaging.base import OutgoingMessage, Sent
from backroom.messaging.mailfolder import MailFolder

WAVES, WAVE = 20, 25
BODY = "A line of a message that must arrive whole.\n" * 400 + "the end\n"

WRITER = """
import sys
from pathlib import Path
from tests.integration.messaging.test_mailfolder_crash import WAVES, wave
from backroom.messaging.mailfolder import MailFolder

folder = MailFolder(Path(sys.argv[1]))
for number in range(WAVES):
    folder.send_many(wave(number))
    print(number, flush=True)
"""


def wave(number: int) -> list[OutgoingMessage]:
    return [
        OutgoingMessage(f"{number}:{n}", "email", "ada@example.com", "Subject", BODY, "post@atelier.example")
        for n in range(WAVE)
    ]


@pytest.mark.parametrize("waves_before", [0, 2, 5])
def test_a_killed_writer_leaves_only_whole_messages_and_a_rerun_completes_them(
    tmp_path: Path, waves_before: int
) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(waves_before):
        process.stdout.readline()
    _wait_for_a_draft(tmp_path / "tmp", process)
    process.kill()
    acknowledged = waves_before + len(process.stdout.read().split())
    process.wait(10)
    process.stdout.close()

    after_the_crash = {path.name: path.read_bytes() for path in tmp_path.glob("*.eml")}
    assert len(after_the_crash) < WAVES * WAVE
    for content in after_the_crash.values():
        assert message_from_bytes(content, policy=default).get_content().endswith("the end\r\n")
    folder = MailFolder(tmp_path)
    for number in range(acknowledged):
        assert all(folder.find(message) is not None for message in wave(number))

    for number in range(WAVES):
        assert all(isinstance(outcome, Sent) for outcome in folder.send_many(wave(number)))
    complete = {path.name: path.read_bytes() for path in tmp_path.glob("*.eml")}
    assert len(complete) == WAVES * WAVE
    assert after_the_crash.items() <= complete.items()


def _wait_for_a_draft(drafts: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if drafts.is_dir() and any(drafts.iterdir()):
            return
    raise AssertionError("the writer never wrote")
