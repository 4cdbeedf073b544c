"""Write the resolved versions into `[tool.uv] constraint-dependencies`: our lock without addresses (docs/adr/0002).

Run by `make lock` after a fresh resolution: python .ci/pin.py
"""

import re
import subprocess
from pathlib import Path

BEGIN, END = "# pins: begin (make lock)\n", "# pins: end\n"


def main() -> None:
    path = Path("pyproject.toml")
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    path.write_text(head + BEGIN + "constraint-dependencies = []\n" + END + tail, encoding="utf-8")
    Path("uv.lock").unlink(missing_ok=True)
    subprocess.run(["uv", "lock", "--quiet"], check=True)
    exported = subprocess.run(
        [
            "uv",
            "export",
            "--quiet",
            "--frozen",
            "--all-groups",
            "--no-hashes",
            "--no-emit-project",
            "--no-annotate",
            "--no-header",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    pins = [line.strip() for line in exported.splitlines() if re.match(r"[a-zA-Z0-9]", line)]
    listed = "".join(f"    {pin!r},\n" if '"' in pin else f'    "{pin}",\n' for pin in pins)
    path.write_text(head + BEGIN + "constraint-dependencies = [\n" + listed + "]\n" + END + tail, encoding="utf-8")
    subprocess.run(["uv", "lock", "--quiet"], check=True)
    print(f"{len(pins)} versions pinned")


if __name__ == "__main__":
    main()
