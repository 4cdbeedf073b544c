"""Which process is which, so that a dead one's leases can be ended at once instead of waited for.

An instance's id names the machine (host and boot), the process table it lives in, its pid and that process's start: a
pid that was given away again is another instance. Only on the same machine and in the same process table can a process
be proved dead; for every other instance the lease's end decides.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from sqlalchemy import Connection

from backroom.store.claims import end_instance, live_instances


def this_instance() -> str:
    """The id of this process."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid()) or 0}"


def is_dead(instance: str) -> bool:
    """Whether that instance's process is proved to be gone; False where this machine cannot know."""
    machine, _, rest = instance.rpartition("/")
    machine, _, pid = machine.rpartition("/")
    if machine != _machine() or not pid.isdigit():
        return False
    started = _started(int(pid))
    if started is None:
        return True
    return rest != "0" and started != rest


def end_dead_instances(connection: Connection) -> list[str]:
    """End the leases of every instance that is proved dead; returns their ids."""
    dead = [instance for instance in sorted(live_instances(connection)) if is_dead(instance)]
    for instance in dead:
        end_instance(connection, instance)
    return dead


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    boot_id = boot.read_text(encoding="ascii").strip() if boot.exists() else "no-boot-id"
    table = namespace.readlink() if namespace.is_symlink() else "no-namespace"
    return f"{socket.gethostname()}:{boot_id}:{table}"


def _started(pid: int) -> str | None:
    """When a process started (clock ticks since boot, Linux), "0" where only its being alive is known, None if gone."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # proc(5): state is the third field of the line and the first here; starttime is the 22nd. Z is dead already.
        return None if fields[0] in ("Z", "X") else fields[19]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return "0"
    return "0"
