"""Servers that never end, answer huge or lead elsewhere: every client gives up, in time and by name."""

from __future__ import annotations

import gzip
import json
import resource
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from generator.base.errors import ExitCode, NewserviceError
from generator.base.secrets import Secret
from generator.clients.forgejo import Forgejo
from generator.clients.github import GitHub
from generator.clients.patience import Patience
from generator.clients.registry import Registry
from generator.clients.transport import MOST_PAGES
from generator.clients.vault import Vault
from generator.clients.woodpecker import Woodpecker
from generator.lifecycle.doctor import reach
from generator.platform.profile import Platform, load_platform
from tests.answers import TEMPLATE
from tests.full import few
from tests.raw_server import RawServer, raw_server, response

SECONDS = 0.2
LATEST = 2.0
"""Seconds after which a request has surely ended, on a busy machine as well."""
ONCE = Patience(attempts=1, first=0, longest=0)
TOKEN = Secret("t0ken-that-goes-nowhere-else")

CALLS: dict[str, Callable[[Platform], Any]] = {
    "forgejo": lambda platform: Forgejo(platform, TOKEN, patience=ONCE).repository("o", "n"),
    "github": lambda platform: GitHub(platform, TOKEN, patience=ONCE).repository("o/n"),
    "woodpecker": lambda platform: Woodpecker(platform, TOKEN, patience=ONCE).lookup("o/n"),
    "vault": lambda platform: Vault(platform, TOKEN, patience=ONCE).token(),
    "registry": lambda platform: Registry(platform, TOKEN, patience=ONCE).digest("o/n", "latest"),
}


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as started:
        yield started


def platform_of(server: RawServer, **connection: Any) -> Platform:
    systems = {system: {"url": server.url} for system in ("forgejo", "woodpecker", "vault", "registry")}
    systems["github"] = {"api_url": f"{server.url}/api/v3"}
    quick = {"load_balancer": None, "ca_file": None, "timeout_seconds": SECONDS, "github_write_interval_seconds": 0}
    return load_platform(TEMPLATE.platform, None, {}).changed({**systems, "connection": {**quick, **connection}})


def failure(call: Callable[[], Any]) -> NewserviceError:
    with pytest.raises(NewserviceError) as caught:
        call()
    assert caught.value.exit_code == ExitCode.SYSTEM
    assert caught.value.hint
    return caught.value


def dripping(head: bytes, drop: bytes, pause: float = 0.05) -> Iterator[bytes]:
    yield head
    while True:
        time.sleep(pause)
        yield drop


def spaced(*parts: bytes) -> Iterator[bytes]:
    for part in parts:
        time.sleep(0.2)
        yield part


def bomb(mebibytes: int) -> bytes:
    """Zeros in so small a text that a thousandth of it is sent."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = b"\0" * (1 << 20)
    first = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    later = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + later * (mebibytes - 1)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = b"Content-Encoding: gzip\r\n\r\n"

SLOW: dict[str, Callable[[], Iterable[bytes]]] = {
    "a byte of the body now and then": lambda: dripping(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "a chunk now and then": lambda: dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a body without a length": lambda: dripping(OK + b"\r\n", b" "),
    "a byte of a header now and then": lambda: dripping(OK + b"X-Long: ", b"x"),
    "a header now and then": lambda: dripping(OK, b"X-Another: x\r\n"),
    "the status now and then": lambda: dripping(b"HTTP/1.1 200 ", b"O"),
    "a promise now and then": lambda: dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "promises without end": lambda: dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, 0),
    "compressed, now and then": lambda: dripping(
        OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10], b"\x00\x00\x00\xff\xff", 0.05
    ),
}


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize("system", few(2, list(CALLS)))
def test_a_request_ends_in_its_time_however_slowly_the_answer_comes(server: RawServer, system: str, slow: str) -> None:
    server.script = lambda _, __: SLOW[slow]()
    began = time.monotonic()
    error = failure(lambda: CALLS[system](platform_of(server)))
    assert error.code == f"{system}.timeout", error
    assert time.monotonic() - began < LATEST


def test_a_longer_time_of_one_request_counts_for_all_of_it(server: RawServer) -> None:
    """As for the synchronisation of mirrors, whose answer comes when it is done."""
    server.script = lambda _, __: spaced(OK, b"Content-Length: 2\r\n", b"\r\n", b"{}")
    platform = platform_of(server, timeout_seconds=0.1, mirror_timeout_seconds=5)
    assert Forgejo(platform, TOKEN, patience=ONCE).sync_push_mirrors("o", "n")
    began = time.monotonic()
    server.script = lambda _, __: SLOW["a chunk now and then"]()
    platform = platform_of(server, timeout_seconds=0.1, mirror_timeout_seconds=1)
    error = failure(lambda: Forgejo(platform, TOKEN, patience=ONCE).sync_push_mirrors("o", "n"))
    assert error.code == "forgejo.timeout"
    assert 0.9 < time.monotonic() - began < 2


def test_a_pinned_request_ends_in_its_time(server: RawServer) -> None:
    server.script = lambda _, __: SLOW["a byte of a header now and then"]()
    pin = {"address": "127.0.0.1", "port": server.port, "systems": ["forgejo"]}
    platform = platform_of(server, load_balancer=pin).changed({"forgejo": {"url": "http://git.example.test"}})
    began = time.monotonic()
    assert failure(lambda: CALLS["forgejo"](platform)).code == "forgejo.timeout"
    assert time.monotonic() - began < LATEST


@pytest.mark.parametrize("system", ["forgejo", "github"])
def test_doctor_ends_in_its_time(server: RawServer, system: str) -> None:
    server.script = lambda _, __: SLOW["a byte of the body now and then"]()
    began = time.monotonic()
    assert reach.observe(platform_of(server), system, server.url).failure == "no answer in time"
    assert time.monotonic() - began < LATEST


LARGE: dict[str, Callable[[], Iterable[bytes]]] = {
    "17 MiB": lambda: (OK + b"Content-Length: 17825792\r\n\r\n", b" " * (17 << 20)),
    "without end": lambda: dripping(OK + b"\r\n", b" " * (1 << 20), 0),
    "chunks without end": lambda: dripping(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n%b\r\n" % (b" " * (1 << 20)), 0
    ),
    "4 GiB in 4 MiB": lambda: (OK + GZIP, bomb(4096)),
    "40 GiB in 160 KiB": lambda: (OK + b"Content-Encoding: gzip, gzip\r\n\r\n", gzip.compress(bomb(4096))),
    "empty members without end": lambda: dripping(
        OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 50_000, 0
    ),
}


@pytest.mark.parametrize("large", LARGE)
@pytest.mark.parametrize("system", few(2, list(CALLS)))
def test_an_answer_has_a_size(server: RawServer, system: str, large: str) -> None:
    server.script = lambda _, __: LARGE[large]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = failure(lambda: CALLS[system](platform_of(server, timeout_seconds=10)))
    assert error.code in (f"{system}.too_large", f"{system}.not_json"), error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def encoded(body: bytes, encoding: str) -> bytes:
    return response(body, f"Content-Encoding: {encoding}")


ODD: dict[str, bytes] = {
    "deep": response("[" * 50_000),
    "deep maps": response('{"a":' * 50_000),
    "infinite": response('{"id": 1e999}'),
    "not a number": response('{"id": NaN}'),
    "digits": response('{"id": ' + "9" * 5000 + "}"),
    "half of a character": response(r'{"login": "\ud800"}'),
    "null character": response(r'{"login": "a\u0000b"}'),
    "a key twice": response('{"login": "a", "login": "b"}'),
    "UTF-16": response('{"login": "a"}'.encode("utf-16")),
    "Latin-1": response('{"login": "ü"}'.encode("latin-1")),
    "a page": response("<html></html>", kind="text/html"),
    "nothing": response(""),
    "null": response("null"),
    "a number": response("1"),
    "a list in a list": response("[[]]"),
    "not compressed": encoded(b"{}", "gzip"),
    "deflate": encoded(zlib.compress(b"{}"), "deflate"),
    "brotli": encoded(b"{}", "br"),
    "compressed twice": encoded(gzip.compress(gzip.compress(b"{}")), "gzip, gzip"),
    "an unknown encoding": encoded(b"{}", "x" * 1000),
    "an error that is deep": response("[" * 50_000, status="500 Error"),
    "an error that is huge": response(json.dumps({"message": "x" * 100_000}), status="500 Error"),
    "a message that is a map": response('{"message": {"a": [1]}}', status="500 Error"),
    "messages that are maps": response('{"errors": [{"a": 1}, [], null]}', status="500 Error"),
}
BROKEN: dict[str, bytes] = {
    "cut off": encoded(gzip.compress(b"{}")[:-4], "gzip"),
    "shorter than announced": OK + b"Content-Length: 100\r\n\r\n{}",
    "no status": b"\r\n\r\n",
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a status of words": b"HTTP/1.1 abc OK\r\n\r\n",
    "a status of five digits": b"HTTP/1.1 99999 OK\r\n\r\n",
    "a length below zero": OK + b"Content-Length: -5\r\n\r\n{}",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length of many digits": OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "a header of a mebibyte": OK + b"X-Long: " + b"x" * (1 << 20) + b"\r\n\r\n{}",
    "a hundred thousand headers": OK + b"X-Another: x\r\n" * 100_000 + b"\r\n{}",
    "a header with a null character": OK + b"X-Null: a\0b\r\n\r\n{}",
    "a chunk of no size": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "nothing at all": b"",
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("system", few(2, list(CALLS)))
def test_an_answer_that_the_system_does_not_give(server: RawServer, system: str, odd: str) -> None:
    server.script = lambda _, __: [ODD[odd]]
    error = failure(lambda: CALLS[system](platform_of(server, timeout_seconds=5)))
    expected = (
        {"failed"} if odd.startswith("an error") else {"failed", "not_json"} if "message" in odd else {"not_json"}
    )
    assert error.code in {f"{system}.{code}" for code in expected}, error
    assert len(error.message) < 500


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("system", few(2, list(CALLS)))
def test_an_answer_that_is_no_http(server: RawServer, system: str, broken: str) -> None:
    server.script = lambda _, __: [BROKEN[broken]]
    began = time.monotonic()
    assert failure(lambda: CALLS[system](platform_of(server, timeout_seconds=5))).code == f"{system}.unreachable"
    assert time.monotonic() - began < 3


def test_what_is_compressed_as_asked_for_is_read(server: RawServer) -> None:
    body = json.dumps({"login": "viktor"}).encode()
    parts = gzip.compress(body[:5]) + gzip.compress(body[5:])  # of several members, as some proxies send it
    server.script = lambda _, head: [encoded(parts, "gzip")] if "accept-encoding: gzip" in head.lower() else []
    assert Forgejo(platform_of(server), TOKEN, patience=ONCE).login() == "viktor"
    assert GitHub(platform_of(server), TOKEN, patience=ONCE).login() == "viktor"


# --- redirects -------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere() -> Iterator[RawServer]:
    with raw_server() as started:
        started.script = lambda _, __: [response("{}")]
        yield started


def redirect(address: str, status: int = 301) -> bytes:
    return response("{}", f"Location: {address}", status=f"{status} Moved")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("system", CALLS)
def test_no_token_follows_a_redirect(server: RawServer, elsewhere: RawServer, system: str, status: int) -> None:
    server.script = lambda _, __: [redirect(f"{elsewhere.url}/api/v3/repos/o/n", status)]
    assert failure(lambda: CALLS[system](platform_of(server))).code == f"{system}.failed"
    assert elsewhere.heads == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/",
        "//evil.test/",
        "https://127.0.0.1/",
        "http://[",
        "http://127.0.0.1:99999/",
        "\x7f",
        "http://a:b/repos/x/y",
        f"/{'x' * 40_000}",
        "https://user:word@vault.test:8200/v1",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("system", CALLS)
def test_a_redirect_to_nowhere_is_a_failure(server: RawServer, system: str, address: str) -> None:
    server.script = lambda _, __: [redirect(address, 307)]
    error = failure(lambda: CALLS[system](platform_of(server)))
    assert error.code in {f"{system}.{code}" for code in ("failed", "not_json", "unreachable")}
    assert "word" not in error.message
    assert len(server.heads) == 1


def test_where_a_redirect_leads_is_named(server: RawServer) -> None:
    """Vault's standby answers so where it may not hand requests on; whoever sent it must not get the token."""
    server.script = lambda _, __: [redirect("https://active.vault.test:8200/v1/auth/token/lookup-self?x=secret", 307)]
    error = failure(lambda: CALLS["vault"](platform_of(server)))
    assert "a redirect to https://active.vault.test:8200, which is not followed" in error.message
    assert "address of vault" in error.hint


@pytest.mark.parametrize("paths", [["x"], ["x", "y"], ["x", "y", "z", "a", "b", "c", "d", "e"]])
def test_redirects_have_an_end(server: RawServer, paths: list[str]) -> None:
    server.script = lambda number, _: [redirect(f"{server.url}/api/v3/{paths[number % len(paths)]}")]
    assert failure(lambda: CALLS["github"](platform_of(server))).code in ("github.failed", "github.not_json")
    assert len(server.heads) <= 5


def test_a_change_that_is_sent_elsewhere_is_no_success(server: RawServer) -> None:
    server.script = lambda _, __: [redirect(f"{server.url}/api/v3/repositories/5", 307)]
    assert (
        failure(lambda: GitHub(platform_of(server), TOKEN, patience=ONCE).delete_secret("o/n", "S")).code
        == "github.failed"
    )


def test_an_answer_that_is_never_ready_is_a_failure(server: RawServer) -> None:
    """PyGithub asks again every two seconds."""
    server.script = lambda _, __: [response("{}", status="202 Accepted")]
    began = time.monotonic()
    assert failure(lambda: CALLS["github"](platform_of(server))).code == "github.failed"
    assert time.monotonic() - began < 1


# --- pages -----------------------------------------------------------------------------------------------------


def linked(address: str, number: int = 0) -> bytes:
    body = [{"name": f"b{number}", "commit": {"sha": "a" * 40}}]
    return response(json.dumps(body), f'Link: <{address}>; rel="next", <{address}>; rel="last"')


def test_pages_of_github_have_an_end(server: RawServer) -> None:
    server.script = lambda number, _: [linked(f"{server.url}/api/v3/repos/o/n/branches?page={number + 2}", number)]
    error = failure(lambda: GitHub(platform_of(server, timeout_seconds=5), TOKEN, patience=ONCE).branches("o/n"))
    assert error.code == "github.too_many_pages"
    assert len(server.heads) == MOST_PAGES


def test_a_page_that_leads_to_itself_is_read_once(server: RawServer) -> None:
    server.script = lambda _, __: [linked(f"{server.url}/api/v3/repos/o/n/branches?page=2")]
    github = GitHub(platform_of(server, timeout_seconds=5), TOKEN, patience=ONCE)
    assert failure(lambda: github.branches("o/n")).code == "github.too_many_pages"
    assert len(server.heads) == 2


@pytest.mark.parametrize(
    "address",
    ["{other}/api/v3/x", "{own}.evil.test/api/v3/x", "{own}/api/v3@evil.test", "//evil.test/", "x", "{own}/else"],
)
def test_pages_elsewhere_are_not_followed(server: RawServer, elsewhere: RawServer, address: str) -> None:
    place = address.format(other=elsewhere.url, own=server.url)
    server.script = lambda _, __: [linked(place)]
    github = GitHub(platform_of(server, timeout_seconds=5), TOKEN, patience=ONCE)
    assert failure(lambda: github.branches("o/n")).code == "github.not_json"
    assert (len(server.heads), elsewhere.heads) == (1, [])


def full_page(number: int, *, same: bool) -> bytes:
    names = [f"b{0 if same else number}-{item}" for item in range(50)]
    return response(json.dumps([{"name": name, "commit": {"id": "a" * 40}} for name in names]))


@pytest.mark.parametrize(("same", "sent"), [(True, 2), (False, MOST_PAGES)])
def test_pages_of_forgejo_have_an_end(server: RawServer, same: bool, sent: int) -> None:
    server.script = lambda number, _: [full_page(number, same=same)]
    forgejo = Forgejo(platform_of(server, timeout_seconds=5), TOKEN, patience=ONCE)
    assert failure(lambda: forgejo.branches("o", "n")).code == "forgejo.too_many_pages"
    assert len(server.heads) == sent


@pytest.mark.parametrize("system", ["github", "forgejo"])
def test_pages_have_a_time_for_all_of_them(server: RawServer, system: str) -> None:
    """Each page comes in its own time; a hundred of them would take as long as a hundred requests."""

    def page(number: int, _: str) -> Iterator[bytes]:
        time.sleep(0.1)
        if system == "forgejo":
            yield full_page(number, same=False)
        else:
            yield linked(f"{server.url}/api/v3/repos/o/n/branches?page={number + 2}", number)

    server.script = page
    platform = platform_of(server, timeout_seconds=0.3)
    reading: dict[str, Callable[[], Any]] = {
        "github": lambda: GitHub(platform, TOKEN, patience=ONCE).branches("o/n"),
        "forgejo": lambda: Forgejo(platform, TOKEN, patience=ONCE).branches("o", "n"),
    }
    error = failure(reading[system])
    assert (error.code, "in all" in error.message) == (f"{system}.timeout", True)
    assert 1 < len(server.heads) < 60


def test_a_tree_that_is_never_whole_is_a_failure(server: RawServer) -> None:
    """Half of a tree would be taken for all of it, and the rest written again."""
    entry = {"path": "a", "sha": "a" * 40, "mode": "100644", "type": "blob"}
    server.script = lambda number, _: [
        response(json.dumps({"tree": [{**entry, "path": f"f{number}"}], "truncated": True}))
    ]
    forgejo = Forgejo(platform_of(server, timeout_seconds=5), TOKEN, patience=ONCE)
    assert failure(lambda: forgejo.tree("o", "n", "a" * 40)).code == "forgejo.too_many_pages"


def test_pipelines_are_the_newest_only(server: RawServer) -> None:
    def page(number: int, _: str) -> list[bytes]:
        items = [{"number": 10_000 - number * 50 - item, "status": "success"} for item in range(50)]
        return [response(json.dumps(items))]

    server.script = page
    assert len(Woodpecker(platform_of(server), TOKEN, patience=ONCE).pipelines(1)) == 200
    assert len(server.heads) == 4
