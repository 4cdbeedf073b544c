"""`.ci/peers`: a peer that could be here and is not is an error, and one that this user cannot have a loud skip."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ = (".ci/peers", "deployments/containers/prefect-redis.txt", "tests/peers/meta/sdk.txt")
FROM_NPM = ("vendure", "etsy", "printful", "openapi")
SYSTEM = ("bash", "cat", "cmp", "cp", "mkdir", "mktemp", "mv", "rm", "sha256sum", "id")
# An install fails as often as the file named `fails` says, and leaves what it would.
NPM = """#!/bin/bash
echo "npm $*" >>"$LOG"
left="$(<"$FAILS")"
[ "$left" -gt 0 ] && { echo $((left - 1)) >"$FAILS"; exit 1; }
mkdir -p node_modules
"""
UV = '#!/bin/bash\necho "uv $*" >>"$LOG"\nmkdir -p "$6"\n'


@dataclass
class Checkout:
    """A copy of what the script reads, on a machine with these tools and no others: no system packages, no root."""

    folder: Path

    def install(self, name: str, script: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(script)
        path.chmod(0o755)

    def npm_fails(self, times: int) -> None:
        self.install("npm", NPM)
        (self.folder / "fails").write_text(str(times))

    def run(self, *command: str, **environment: str) -> tuple[int, str]:
        known = {name: str(self.folder / name.lower()) for name in ("LOG", "FAILS")} | {
            "PATH": str(self.folder / "bin")
        }
        done = subprocess.run(
            ["bash", ".ci/peers", *command],
            cwd=self.folder,
            env=known | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout

    def calls(self, name: str) -> list[str]:
        return [line for line in (self.folder / "log").read_text().splitlines() if line.startswith(name)]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in (*READ, *(f"tests/peers/{one}/package.json" for one in FROM_NPM)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "tests/peers/openapi/descriptions").touch()
    (tmp_path / "bin").mkdir()
    for name in SYSTEM:
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    one = Checkout(tmp_path)
    one.install("uv", UV)
    # Nobody waits for a mirror that is not asked.
    one.install("sleep", "#!/bin/bash\n")
    one.install("tests", '#!/bin/bash\necho "the tests ran"\nexit "${1:-0}"\n')
    return one


def test_what_cannot_be_installed_though_its_tool_is_here_is_tried_twice_named_and_an_error(checkout: Checkout) -> None:
    checkout.npm_fails(1000)
    code, said = checkout.run("tests")
    assert code == 1
    assert len(checkout.calls("npm install")) == 2 * len(FROM_NPM)
    assert said.index("the tests ran") < said.index("MISSING, could not be installed: Vendure, from npm.")
    assert said.count("MISSING, could not be installed") == len(FROM_NPM)
    assert "BACKROOM_PEERS_OPTIONAL=1" in said


def test_who_says_that_peers_are_optional_is_told_and_goes_without(checkout: Checkout) -> None:
    checkout.npm_fails(1000)
    code, said = checkout.run("tests", BACKROOM_PEERS_OPTIONAL="1")
    assert code == 0
    assert "MISSING, could not be installed: Prism, from npm." in said


def test_a_mirror_that_is_out_for_a_moment_is_no_error(checkout: Checkout) -> None:
    checkout.npm_fails(1)
    code, said = checkout.run("tests")
    assert (code, "MISSING" in said) == (0, False)
    assert len(checkout.calls("npm install")) == len(FROM_NPM) + 1


def test_without_npm_the_tests_that_need_it_are_a_loud_skip(checkout: Checkout) -> None:
    code, said = checkout.run("tests")
    assert code == 0
    assert said.index("the tests ran") < said.index("SKIPPED, not to be had here: Node with npm")


@pytest.mark.parametrize("optional", ["", "1"])
def test_tests_that_fail_fail_whatever_was_missing(checkout: Checkout, optional: str) -> None:
    checkout.npm_fails(1000)
    assert checkout.run("tests", "3", BACKROOM_PEERS_OPTIONAL=optional)[0] == 3


def test_what_is_installed_is_not_installed_again(checkout: Checkout) -> None:
    checkout.npm_fails(0)
    assert checkout.run("tests")[0] == 0
    before = (checkout.folder / "log").read_text()
    assert checkout.run("tests")[0] == 0
    assert (checkout.folder / "log").read_text() == before
