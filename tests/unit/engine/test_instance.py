"""One living process a worker name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backroom.engine.instance import WorkerRunsAlready, default_name, hold_name, identity_of


def test_a_name_is_held_once(tmp_path: Path) -> None:
    with hold_name("hub@here", tmp_path, 0), pytest.raises(WorkerRunsAlready, match="hub@here"):
        hold_name("hub@here", tmp_path, 0)


def test_names_do_not_hinder_each_other(tmp_path: Path) -> None:
    with hold_name("hub", tmp_path, 0), hold_name("booth a", tmp_path, 0):
        pass


def test_a_name_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from backroom.engine.instance import hold_name; import time\n"
        f"held = hold_name('hub', Path({str(tmp_path)!r}), 0); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkerRunsAlready):
            hold_name("hub", tmp_path, 0)
        holder.kill()
        holder.wait()
        hold_name("hub", tmp_path, 5).close()


def test_a_holder_signs_the_same_after_a_restart_and_like_nobody_on_another_machine(tmp_path: Path) -> None:
    def signs(machine: str) -> str:
        with hold_name("hub", tmp_path / machine, 0) as held:
            return identity_of(held)

    assert signs("one") == signs("one") != signs("two")


def test_a_worker_without_a_name_has_the_same_one_after_a_restart() -> None:
    assert default_name("booth-a") == default_name("booth-a")
    assert "/" not in default_name("booth-a")
