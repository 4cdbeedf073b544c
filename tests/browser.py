"""A headless Chromium for tests, driven through chromedriver's W3C WebDriver protocol with plain HTTP.

What belongs here: starting it, finding what a person sees, clicking, typing, and what the page asked of the network.
What does not: what any page says. Sources: https://www.w3.org/TR/webdriver2/ and, for what stands behind `goog:` and
`/goog/cdp/execute`, https://developer.chrome.com/docs/chromedriver and the DevTools protocol.

Only names of this machine resolve inside the browser, so a page that asks another site gets its answer at once: none.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

CALL_SECONDS = 60.0
PATIENCE = 30.0
LOOK_SECONDS = 0.1
ENTER = "\ue007"
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver, section 11.1: the web element identifier
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Without a graphics card both would take a core from the very system that is looked at; pages draw all the same.
    "--disable-3d-apis",
    "--force-prefers-reduced-motion",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
# What a person reads there is what the page shows, with its white space as one blank.
_VISIBLE = """
const seen = e => e.checkVisibility({visibilityProperty: true});
const text = e => (e.innerText || e.getAttribute('aria-label') || e.getAttribute('placeholder') || '')
  .replace(/\\s+/g, ' ').trim();
"""


class NotSeenError(AssertionError):
    """The page did not show in time what was looked for."""


def can_browse() -> bool:
    """Whether Chromium and its driver are installed."""
    return shutil.which("chromium") is not None and shutil.which("chromedriver") is not None


@dataclass(slots=True)
class Browser:
    """One window. Elements are handed out as WebDriver's ids."""

    session: str
    calls: requests.Session
    _events: list[dict[str, Any]] = field(default_factory=list)

    def open(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    @property
    def address(self) -> str:
        return str(self._call("GET", "/url"))

    def run(self, script: str, *given: Any) -> Any:
        """The value that a script returns in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(given)})

    def text(self) -> str:
        """What stands on the page, as a person reads it."""
        return str(self.run("return document.body ? document.body.innerText : ''"))

    def find(self, css: str, text: str = "", *, exact: bool = False, seconds: float = PATIENCE) -> str:
        """The first visible element that matches and holds (or, `exact`, is) that text; NotSeenError with what
        the page shows when there is none in time. An element that holds no other match comes first."""
        script = f"""{_VISIBLE}
        const [css, wanted, exact] = arguments;
        const found = [...document.querySelectorAll(css)]
          .filter(e => seen(e) && (exact ? text(e) === wanted : text(e).includes(wanted)));
        return found.find(e => !found.some(other => other !== e && e.contains(other))) || null;"""
        deadline = time.monotonic() + seconds
        while True:
            if element := self.run(script, css, text, exact):
                return str(element[_ELEMENT])
            if time.monotonic() > deadline:
                raise NotSeenError(f"no {css} with {text!r} at {self.address} in {seconds:g} s:\n{self.text()[:3000]}")
            time.sleep(LOOK_SECONDS)

    def text_of(self, css: str, seconds: float = PATIENCE) -> str:
        """What stands in the first such element."""
        self.find(css, seconds=seconds)
        return str(self.run("return document.querySelector(arguments[0]).innerText", css))

    def see(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until the page shows that text, whatever its capitals and line breaks."""
        script = "return document.body ? document.body.innerText.replace(/\\s+/g, ' ').toLowerCase() : ''"
        wanted = " ".join(text.lower().split())
        deadline = time.monotonic() + seconds
        while wanted not in (shown := self.run(script)):
            if time.monotonic() > deadline:
                raise NotSeenError(f"no {text!r} at {self.address} in {seconds:g} s:\n{shown[:3000]}")
            time.sleep(LOOK_SECONDS)

    def click(self, css: str, text: str = "", *, exact: bool = False, seconds: float = PATIENCE) -> None:
        """Click what `find` finds; what moved away or is covered at that moment is looked for again."""
        deadline = time.monotonic() + seconds
        while True:
            element = self.find(css, text, exact=exact, seconds=max(deadline - time.monotonic(), 0.0))
            try:
                self._call("POST", f"/element/{element}/click", {})
            except _MovedError as moved:
                if time.monotonic() > deadline:
                    raise NotSeenError(f"{css} with {text!r} could not be clicked in {seconds:g} s") from moved
                time.sleep(LOOK_SECONDS)
            else:
                return

    def type(self, css: str, text: str, label: str = "", seconds: float = PATIENCE) -> None:
        """Clear a field and type into it."""
        element = self.find(css, label, seconds=seconds)
        self._call("POST", f"/element/{element}/clear", {})
        self._call("POST", f"/element/{element}/value", {"text": text})

    def window(self, width: int, height: int, *, phone: bool = False) -> None:
        """Give the page a screen of that many CSS pixels, a phone's with touch."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )

    def colours(self, scheme: str) -> None:
        """`dark` or `light`, as the device would ask for it."""
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def scripts(self, allowed: bool) -> None:
        """Switch the page's own JavaScript on or off; `run` works either way."""
        self.devtools("Emulation.setScriptExecutionDisabled", value=not allowed)

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def asked_hosts(self) -> set[str]:
        """The hosts that were asked for anything since the last look; pictures and the like inside the page aside."""
        hosts = set()
        for entry in self._call("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = urlsplit(message["params"]["request"]["url"])
                if url.scheme in ("http", "https", "ws", "wss"):
                    hosts.add(url.hostname or "")
        return hosts

    def complaints(self) -> list[str]:
        """What the console showed as a warning or an error since the last look."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.calls.request(method, self.session + path, json=body, timeout=CALL_SECONDS)
        value = answer.json()["value"]
        if not answer.ok:
            error = _MovedError if value["error"] in _MOVED else AssertionError
            raise error(f"{path}: {value['error']}: {value['message'].splitlines()[0]}")
        return value


class _MovedError(AssertionError):
    """The page drew itself anew, or something lay over the element, between finding and clicking it."""


_MOVED = ("stale element reference", "element click intercepted", "element not interactable")


@contextmanager
def browser(width: int = 1280, height: int = 900, *, any_certificate: bool = False) -> Iterator[Browser]:
    """A Chromium with an empty profile and one window, and its end. `any_certificate` is for one that tests made."""
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        calls = requests.Session()
        try:
            home = f"http://127.0.0.1:{_port_of(driver)}"
            options = {"args": [*_ARGUMENTS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]}
            wanted = {
                "browserName": "chrome",
                "acceptInsecureCerts": any_certificate,
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }
            answer = calls.post(f"{home}/session", json={"capabilities": {"alwaysMatch": wanted}}, timeout=CALL_SECONDS)
            value = answer.json()["value"]
            assert answer.ok, value["message"]
            session = f"{home}/session/{value['sessionId']}"
            try:
                one = Browser(session, calls)
                one.window(width, height)
                yield one
            finally:
                calls.delete(session, timeout=CALL_SECONDS)
        finally:
            calls.close()
            driver.terminate()
            driver.wait(10)


def _port_of(driver: subprocess.Popen[str]) -> int:
    """The port that chromedriver chose; it says so once it listens."""
    assert driver.stdout is not None
    for line in driver.stdout:
        if told := re.search(r"started successfully on port (\d+)", line):
            return int(told[1])
    raise AssertionError("chromedriver ended at once")
