"""Prove that the layer checks bite: plant a forbidden import for a moment, and expect import-linter to fail on it."""

import subprocess
import sys
from pathlib import Path

PLANTS = {
    "backroom/domain/planted.py": "import backroom.store.database  # a rule that reaches for the database\n",
    "backroom/messaging/planted.py": "import prefect  # an adapter that knows the engine\n",
}


def bites(path: Path, text: str) -> bool:
    path.write_text(text, encoding="utf-8")
    try:
        return subprocess.run(["lint-imports", "--no-cache"], capture_output=True, check=False).returncode != 0
    finally:
        path.unlink()


def main() -> int:
    for name, text in PLANTS.items():
        if not bites(Path(name), text):
            print(f"import-linter did not find the planted violation in {name}")
            return 1
    bench = Path("backroom/printing/holder.py")
    before = bench.read_text(encoding="utf-8")
    try:
        bench.write_text(before + "\nimport backroom.store.database  # a booth's way in\n", encoding="utf-8")
        found = subprocess.run(["lint-imports", "--no-cache"], capture_output=True, check=False).returncode != 0
    finally:
        bench.write_text(before, encoding="utf-8")
    if not found:
        print("import-linter did not find the booth's path to the database")
        return 1
    print("import-linter finds planted violations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
