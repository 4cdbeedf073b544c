"""One call to another side under the policy that all share.

- It goes where the account says and nowhere else: below its base address, over TLS unless the other side stands in
  this house, and no redirect is followed.
- Connecting and reading have time-outs, the whole call has a deadline (`deadline`), and its answer has a largest size,
  packed and unpacked.
- It is tried again only where that is harmless: nothing had left, the other side said "not now", or the caller says
  that the same call twice is one (`again`). A 503 is a "not now" only for such a call: some proxies say so of what they
  passed on. All tries together stay below `PATIENCE` seconds.
- `Retry-After` (RFC 9110 section 10.2.3) is kept, by every process and after a restart (`circuit`); after failures in a
  row the circuit opens.
- The log names service, our id, status, the request's id and the other side's own (`call_log`): no address, login, body
  or person.
"""

from __future__ import annotations

import ipaddress
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import requests
from urllib3.exceptions import HTTPError

from backroom.domain.errors import BackroomError
from backroom.outgoing.answer import Answer, retry_after
from backroom.outgoing.call_log import CallLog
from backroom.outgoing.circuit import Rest, circuit_of
from backroom.outgoing.deadline import HurriedAdapter, over_by
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup, ServiceSilent
from backroom.outgoing.unpacking import BadPacking, TooLong, unpack
from backroom.outgoing.unsent import cannot_be_sent, kept_back

PATIENCE = 8.0
TRIES = 3
FIRST_PAUSE = 0.5
MOST_BYTES = 8 * 1024 * 1024
MOST_OF_ERROR = 64 * 1024
_PIECE = 64 * 1024
# By these it says that it did nothing with the call (RFC 9110 section 15.5.9, RFC 8470, RFC 6585 section 4).
_NOTHING_DONE = frozenset({408, 425, 429})
_NOT_NOW = _NOTHING_DONE | {503}
_ASKING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Account:
    """Our account at another side. `service` is its name in sentences; `base` the address below which all calls go.

    `headers` and `login` (HTTP Basic: user, password) go with each call and stay out of the `repr`. Time-outs in
    seconds: for connecting, and for each read of the answer.
    """

    service: str
    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 30.0

    @property
    def whole_timeout(self) -> float:
        """Seconds in which one call is over, from connecting to the last byte, however the other side spreads them."""
        return self.connect_timeout + 2 * self.read_timeout


class Client:
    """Calls of one account over kept connections. Made for one task, and not shared between threads."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._circuit = circuit_of(account.service, account.base)
        self._session = requests.Session()
        # Neither a proxy nor a login of this machine's environment: the account says all.
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HurriedAdapter())
        self._session.headers.update({"User-Agent": "Backroom", "Accept-Encoding": "gzip"} | dict(account.headers))
        self._session.auth = account.login

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        about: str,
        again: bool | None = None,
        changes: bool | None = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
        **body: Any,
    ) -> Answer:
        """The answer to one call, a 2xx; everything else is an error of `backroom.outgoing.errors`.

        `path` is below the base; `about` is our id of what it is about, such as an effect's key. `again` says that the
        same call twice is one over there: it only asks, carries an idempotency key, or says how something is from now
        on. A GET is taken for one unless told otherwise; nothing else is. Of a call that is none a 503 counts as a lost
        answer. `changes` says whether it may change anything there, as all but a GET may unless told otherwise: of what
        only asks, nothing came whatever is said. `body` is what `requests` takes: json, data, params, files.
        """
        service = self.account.service
        harmless = method in _ASKING if again is None else again
        changing = method not in _ASKING if changes is None else changes
        url = self._url(path)
        request_id = uuid.uuid4().hex[:16]
        sent = {"X-Request-Id": request_id} | dict(headers or {})
        if cannot_be_sent([*self.account.headers.values(), *sent.values()], self.account.login):
            raise ServiceSetup(
                service,
                f"our key for {service} holds signs that cannot be sent.",
                remedy="Copy it into secrets.toml once more, without spaces or line breaks around it.",
            )
        until = time.monotonic() + PATIENCE
        certain, status = True, 0
        for tried in range(1, TRIES + 1):
            if rest := self._circuit.rest():
                raise ServiceAway(
                    service,
                    f"{service} {_why_left(rest)} ({about}).",
                    retry_after=timedelta(seconds=rest.seconds),
                    nothing_happened=certain,
                    status=status,
                )
            line = CallLog(service, about, request_id, tried)
            try:
                answer = self._once(method, url, sent, most_bytes, line, harmless, changing, body)
            except (ServiceAway, ServiceSilent) as error:
                certain = certain and isinstance(error, ServiceAway) and error.nothing_happened
                status = error.status if isinstance(error, ServiceAway) else 0
                pause = FIRST_PAUSE * 2 ** (tried - 1)
                if isinstance(error, ServiceAway) and error.retry_after is not None:
                    pause = max(pause, error.retry_after.total_seconds())
                worth = isinstance(error, ServiceAway) and tried < TRIES and time.monotonic() + pause < until
                self._circuit.failed(0.0 if worth else _asked(error))
                line.write(_said(error), failed=True)
                if not worth:
                    if isinstance(error, ServiceAway):
                        # Of an earlier try as well.
                        error.nothing_happened = certain
                    raise
                time.sleep(pause)
            except BackroomError as error:
                line.write(error.cause, failed=True)
                raise
            else:
                self._circuit.worked()
                line.write(str(answer.status), failed=not 200 <= answer.status < 300)
                if 200 <= answer.status < 300:
                    return answer
                raise self._no(answer, about)
        raise AssertionError("the last try returns or raises")

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        most_bytes: int,
        line: CallLog,
        harmless: bool,
        changing: bool,
        body: Mapping[str, Any],
    ) -> Answer:
        account, about = self.account, line.about
        lost: ServiceAway | ServiceSilent | ServiceSetup
        try:
            with (
                over_by(time.monotonic() + account.whole_timeout),
                self._session.request(
                    method,
                    url,
                    headers=dict(headers),
                    timeout=(account.connect_timeout, account.read_timeout),
                    allow_redirects=False,
                    stream=True,
                    **body,
                ) as response,
            ):
                line.hear(response.headers)
                if response.status_code in (_NOT_NOW if harmless else _NOTHING_DONE):
                    raise ServiceAway(
                        account.service,
                        f"{account.service} takes nothing now ({about}, {response.status_code}).",
                        retry_after=retry_after(response.headers.get("Retry-After", "")),
                        nothing_happened=not changing or response.status_code in _NOTHING_DONE,
                        status=response.status_code,
                    )
                # Of a server error no more than its adapter can know.
                most = most_bytes if response.status_code < 500 else min(most_bytes, MOST_OF_ERROR)
                content = self._read(response, most, about, cut=response.status_code >= 500)
                lower = {name.lower(): value for name, value in response.headers.items()}
                answer = Answer(response.status_code, lower, content, line.request_id)
                if response.status_code >= 400:
                    line.hear(response.headers, content)
                if response.status_code < 500:
                    return answer
            lost = self._silent(harmless, about, answer)
        except requests.exceptions.RequestException as failure:
            lost = self._failure(failure, harmless, about)
        except HTTPError:
            # It broke off within its answer.
            lost = self._silent(harmless, about)
        # Outside the handler, so that no traceback leads to the library's error and the address in it.
        raise lost

    def _read(self, response: requests.Response, most_bytes: int, about: str, *, cut: bool) -> bytes:
        """What was answered. What is longer is an error, or is `cut` off; so is what cannot be unpacked."""
        parts: list[bytes] = []
        size = 0
        packing = response.headers.get("Content-Encoding", "")
        # Unpacked at the end, so that what comes out of the packing is counted as it comes.
        while part := response.raw.read1(_PIECE, decode_content=False):
            size += len(part)
            if size > most_bytes and cut:
                return b"" if packing else b"".join(parts)
            if size > most_bytes:
                raise self._too_long(most_bytes, about)
            parts.append(part)
        try:
            return unpack(b"".join(parts), packing, most_bytes)
        except (TooLong, BadPacking) as failure:
            if cut:
                return b""
            if isinstance(failure, TooLong):
                raise self._too_long(most_bytes, about) from None
            raise AnswerUnreadable(
                self.account.service,
                f"{self.account.service} answers in a packing that cannot be opened ({about}).",
                remedy="Look at its address: what stands before it may pack what it passes on.",
            ) from None

    def _too_long(self, most_bytes: int, about: str) -> AnswerUnreadable:
        service = self.account.service
        return AnswerUnreadable(
            service, f"{service} answers more than {most_bytes} bytes ({about}).", remedy="Look at its address."
        )

    def _failure(
        self, failure: requests.exceptions.RequestException, harmless: bool, about: str
    ) -> ServiceAway | ServiceSilent | ServiceSetup:
        service = self.account.service
        match kept_back(failure):
            case "address":
                return ServiceSetup(service, f"{service} has an address that is none.", remedy="Correct its url.")
            case "certificate" | "no_tls":
                return ServiceSetup(
                    service, f"{service} is not trusted by its certificate.", remedy="Check its url, and this clock."
                )
            case "connection":
                return ServiceAway(service, f"{service} cannot be reached ({about}).", nothing_happened=True)
        return self._silent(harmless, about)

    def _silent(self, harmless: bool, about: str, answer: Answer | None = None) -> ServiceAway | ServiceSilent:
        service = self.account.service
        if harmless:
            return ServiceAway(
                service, f"{service} does not answer ({about}).", status=answer.status if answer is not None else 0
            )
        return ServiceSilent(
            service,
            f"{service} got the call for {about} and its answer is lost.",
            remedy=f"Look it up at {service}, then say whether it happened.",
            answer=answer,
        )

    def _no(self, answer: Answer, about: str) -> ServiceSetup | ServiceRefused:
        service = self.account.service
        if answer.status in (401, 403, 407) or answer.status < 400:
            return ServiceSetup(
                service,
                f"{service} refuses our calls ({about}, {answer.status}).",
                remedy="Check its url, our key there and what the key may do.",
            )
        return ServiceRefused(service, f"{service} refuses {about} ({answer.status}).", answer)

    def _url(self, path: str) -> str:
        service, base = self.account.service, self.account.base
        parts = urlsplit(base)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_in_house(parts.hostname or "")):
            raise ServiceSetup(service, f"{service} has an address without TLS.", remedy="Write it as https://….")
        url = base.rstrip("/") + "/" + path.lstrip("/") if path else base
        # An id may be anything. Of a %2e `requests` makes a dot, and what sends it takes dots alone for a step.
        steps = map(unquote, urlsplit(url).path.split("/"))
        if not {".", ".."}.isdisjoint(steps) or urlsplit(url)[:2] != parts[:2]:
            raise ServiceSetup(service, f"a call to {service} would lead elsewhere.", remedy="Check the ids in it.")
        return url


def is_in_house(host: str) -> bool:
    """Whether a host is this machine, or an address of a private network written as a number."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _asked(error: ServiceAway | ServiceSilent) -> float:
    if isinstance(error, ServiceAway):
        after = error.retry_after
    else:
        after = retry_after(error.answer.headers.get("retry-after", "")) if error.answer else None
    return after.total_seconds() if after else 0.0


def _said(error: ServiceAway | ServiceSilent) -> str:
    status = error.status if isinstance(error, ServiceAway) else error.answer.status if error.answer else 0
    return f"{error.cause} ({status})" if status else error.cause


def _why_left(rest: Rest) -> str:
    if not rest.asked:
        return "is left alone for now, since it did not answer"
    return f"asked to be left alone until {datetime.now(UTC) + timedelta(seconds=rest.seconds):%Y-%m-%d %H:%M} UTC"
