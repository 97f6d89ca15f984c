"""What strangers meet at a service: every answer judged on its own, then the command against the embedded platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from generator.base.checks import CheckState
from generator.clients.stranger import Page, Silence
from generator.lifecycle.verify.gates import Cause, Judged, Verdict, judge_door, judge_gates
from generator.lifecycle.verify.sights import Met, Record, Sight, met, redirect_within
from generator.platform.profile import SignOn
from generator.sandbox.faults import Status
from generator.template.answers import Door
from tests.answers import SMALLEST, answer
from tests.world import Completed, World, both_platforms

SIGN_ON = SignOn("login.example.test", "/outpost/", "guests.example.test")
DOOR = Door("https://app.example.test/", "required", "login", "auth", "public")
MEETS = {"required": "login", "app": "own login", "public": "session", "none": "page"}
PAGE = Page(200, kind="text/html", body=b"hello", headers=frozenset({"date", "content-security-policy"}))
NOBODY = Page(404, kind="text/plain", body=b"404 page not found\n", headers=frozenset({"date"}))
GONE = Silence("no answer in time")


def gated(auth: str, **more: Any) -> Door:
    return replace(DOOR, auth=auth, meets=MEETS[auth], **more)


def to(location: str, status: int = 302) -> Page:
    return Page(status, location)


LOGIN = to("https://login.example.test/authorize?redirect_uri=https%3A%2F%2Fapp.example.test%2Foutpost%2Fcallback")
LOGIN_TWICE = to(
    "https://login.example.test/flow?next=%2Fauthorize%3Fredirect_uri%3Dhttps%253A%252F%252Fa%252Foutpost%252Fx"
)
GUEST = to("https://login.example.test/authorize?redirect_uri=https%3A%2F%2Fguests.example.test%2Foutpost%2Fcallback")
OWN = to("https://login.example.test/authorize?redirect_uri=https%3A%2F%2Fapp.example.test%2Foidc")


@pytest.mark.parametrize(
    ("seen", "then", "wanted"),
    [
        (PAGE, None, Met.CONTENT),
        (Page(404, body=b"no such note"), None, Met.CONTENT),
        (Page(302), None, Met.CONTENT),  # leads nowhere
        (Page(304), None, Met.CONTENT),
        (Page(400), None, Met.CONTENT),
        (LOGIN, None, Met.LOGIN),
        (LOGIN_TWICE, None, Met.LOGIN),
        (to(LOGIN.location, 307), None, Met.LOGIN),
        (to(LOGIN.location.removeprefix("https:")), None, Met.LOGIN),
        (GUEST, None, Met.ANONYMOUS),
        (OWN, None, Met.OWN_LOGIN),
        (to("/outpost/start?rd=x"), None, Met.LOGIN),
        (to("https://app.example.test/outpost/start"), LOGIN, Met.LOGIN),
        # hosts that only look like the single sign-on's
        (to("https://login.example.test.evil.test/outpost/"), None, Met.CONTENT),
        (to("https://login.example.test@evil.test/outpost/"), None, Met.CONTENT),
        (to("https://evil.test/?next=https://login.example.test/outpost/"), None, Met.CONTENT),
        (to("https://[::1/outpost/"), None, Met.CONTENT),
        (to("javascript:login.example.test"), None, Met.CONTENT),
        # within the host, one step
        (to("/login"), PAGE, Met.CONTENT),
        (to("/login"), LOGIN, Met.LOGIN),
        (to("/login"), OWN, Met.OWN_LOGIN),
        (to("/login"), to("/login"), Met.CONTENT),
        (to("/login"), Page(401), Met.REFUSED),
        (to("/login"), Page(500), Met.DOWN),
        (to("/login"), GONE, Met.SILENCE),
        (Page(401), None, Met.REFUSED),
        (Page(403), None, Met.REFUSED),
        (Page(429), None, Met.DOWN),
        (Page(503), None, Met.DOWN),
        (NOBODY, None, Met.NOBODY),
        (replace(NOBODY, headers=NOBODY.headers | {"content-length"}), None, Met.NOBODY),
        # the program's own 404 has the same words, but the headers of an ingress
        (replace(NOBODY, headers=NOBODY.headers | {"content-security-policy"}), None, Met.CONTENT),
        (Silence("refused", unknown=True), None, Met.NOBODY),
        (GONE, None, Met.SILENCE),
    ],
)
def test_what_was_met(seen: Page | Silence, then: Page | Silence | None, wanted: Met) -> None:
    found, words = met(Sight(DOOR, seen, then, NOBODY), SIGN_ON)
    assert found is wanted
    assert words


def test_a_front_door_that_fails_for_everybody() -> None:
    """It says nothing about the service: its names and those that nobody has get the same."""
    assert met(Sight(DOOR, Page(502), nobody=Page(502)), SIGN_ON)[0] is Met.DOWN


SEEN: dict[Met, Page | Silence] = {
    Met.LOGIN: LOGIN,
    Met.ANONYMOUS: GUEST,
    Met.OWN_LOGIN: OWN,
    Met.REFUSED: Page(403),
    Met.CONTENT: PAGE,
    Met.NOBODY: NOBODY,
    Met.DOWN: Page(502),
    Met.SILENCE: GONE,
}
RIGHT, OPEN, WALLED, ABSENT, UNSEEN, EXPOSED = (
    Verdict.RIGHT,
    Verdict.OPEN,
    Verdict.WALLED,
    Verdict.ABSENT,
    Verdict.UNSEEN,
    Verdict.EXPOSED,
)


@pytest.mark.parametrize(
    ("auth", "verdicts"),
    [  # in the order of SEEN
        ("required", (RIGHT, OPEN, RIGHT, RIGHT, OPEN, ABSENT, UNSEEN, UNSEEN)),
        ("app", (WALLED, WALLED, RIGHT, RIGHT, RIGHT, ABSENT, UNSEEN, UNSEEN)),
        ("public", (WALLED, RIGHT, WALLED, RIGHT, RIGHT, ABSENT, UNSEEN, UNSEEN)),
        ("none", (WALLED, WALLED, WALLED, RIGHT, RIGHT, ABSENT, UNSEEN, UNSEEN)),
    ],
)
def test_each_gate_and_each_answer(auth: str, verdicts: tuple[Verdict, ...]) -> None:
    door = gated(auth)
    found = tuple(judge_door(Sight(door, seen, nobody=NOBODY), SIGN_ON).verdict for seen in SEEN.values())
    assert found == verdicts
    # From outside the same counts, but what can't be seen from there changes nothing: the other look has its verdict.
    record = Record(("192.0.2.1", "1.1.1.1"))
    outside = tuple(judge_door(Sight(door, seen, nobody=NOBODY, record=record), SIGN_ON) for seen in SEEN.values())
    assert tuple(item.verdict for item in outside) == tuple(RIGHT if item is UNSEEN else item for item in verdicts)
    assert all(item.outside for item in outside)


@pytest.mark.parametrize("auth", ["required", "app", "public", "none"])
@pytest.mark.parametrize("reach", ["internal", "lan"])
def test_from_outside_a_home_name_leads_to_nothing(auth: str, reach: str) -> None:
    door = gated(auth, reach=reach)
    shut = (Met.REFUSED, Met.NOBODY, Met.SILENCE, Met.DOWN)
    for kind, seen in SEEN.items():
        judged = judge_door(Sight(door, seen, nobody=NOBODY, record=Record(("1.1.1.1",))), SIGN_ON)
        assert judged.verdict is (RIGHT if kind in shut else EXPOSED), kind
    home = judge_door(Sight(door, Page(403)), SIGN_ON)
    assert home.verdict is RIGHT
    assert "this machine on the home network" in home.words


@pytest.mark.parametrize(
    ("record", "public", "home", "words"),
    [
        (Record(), ABSENT, RIGHT, "does not know the name"),
        (Record(("10.0.20.203",)), ABSENT, RIGHT, "10.0.20.203, which nobody outside reaches"),
        (Record(("192.168.1.4", "fd00::4")), ABSENT, RIGHT, "fd00::4"),
        (Record(unasked="resolver: no answer"), RIGHT, RIGHT, "not looked at (resolver: no answer)"),
    ],
)
def test_a_name_that_leads_nowhere_from_outside(record: Record, public: Verdict, home: Verdict, words: str) -> None:
    for reach, verdict in (("public", public), ("internal", home), ("lan", home)):
        judged = judge_door(Sight(replace(DOOR, reach=reach), None, record=record), SIGN_ON)
        assert judged.verdict is verdict
        assert words in judged.words


def test_a_parked_service_need_not_answer() -> None:
    for auth, seen, verdict in (("none", Page(503), RIGHT), ("required", Page(503), RIGHT), ("required", PAGE, OPEN)):
        assert judge_door(Sight(gated(auth, parked=True), seen), SIGN_ON).verdict is verdict


def test_a_platform_without_anonymous_sessions() -> None:
    """There the gate's redirect is all that can be seen of `public`."""
    door, without = gated("public"), replace(SIGN_ON, anonymous="")
    assert judge_door(Sight(door, LOGIN), without).verdict is RIGHT
    assert judge_door(Sight(gated("none"), LOGIN), without).verdict is WALLED


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ("/x", "https://app.example.test/x"),
        ("x?y=1", "https://app.example.test/a/x?y=1"),
        ("https://app.example.test:443/x", "https://app.example.test:443/x"),
        ("http://app.example.test/x", ""),
        ("https://app.example.test:8443/x", ""),
        ("https://other.example.test/x", ""),
        ("//other.example.test/x", ""),
        ("https://me@app.example.test/x", ""),
        ("https://[::1/x", ""),
        ("https://app.example.test:port/x", ""),
        ("", ""),
    ],
)
def test_only_redirects_within_the_host_are_followed(location: str, wanted: str) -> None:
    assert redirect_within("https://app.example.test/a/b", to(location)) == wanted
    assert redirect_within("https://app.example.test/a/b", replace(to(location), status=200)) == ""


def verdict(kind: Verdict, **door: Any) -> Judged:
    return Judged(replace(DOOR, **door), kind, "200 text/html")


@pytest.mark.parametrize(
    ("kinds", "state", "code", "word"),
    [
        ((RIGHT,), "ok", "", "as the answers say"),
        ((RIGHT, ABSENT), "waiting", "", "not applied yet"),
        ((ABSENT, UNSEEN), "unknown", "", "can't be judged"),
        ((UNSEEN, WALLED), "failed", "gate.walled", "behind a login"),
        ((WALLED, EXPOSED), "failed", "gate.exposed", "reached from outside"),
        ((RIGHT, ABSENT, UNSEEN, WALLED, EXPOSED, OPEN), "failed", "gate.open", "open to strangers"),
    ],
)
def test_one_check_says_the_worst(kinds: tuple[Verdict, ...], state: str, code: str, word: str) -> None:
    check = judge_gates([verdict(kind) for kind in kinds], lambda: "close it", "apply it")
    assert (check.id, check.state, check.code) == ("site.gate", CheckState(state), code)
    assert word in check.summary
    assert check.hint == {"ok": "", "waiting": "apply it", "failed": "close it"}.get(state, check.hint)
    assert [item["verdict"] for item in check.facts["pages"]] == [kind.value for kind in kinds]


def test_the_open_page_is_named_first_and_what_closes_it() -> None:
    pages = [verdict(WALLED, url="https://app.example.test/hooks", what="carveouts.hooks", auth="none"), verdict(OPEN)]
    check = judge_gates(pages, lambda: "close it", "")
    first, second = check.summary.removeprefix("open to strangers: ").split("; https")
    assert first == "https://app.example.test/ (200 text/html; auth is required)"
    assert "carveouts.hooks.auth is none" in second
    cause = Cause("stacks/app", "master", merged=True)
    assert "apply stacks/app" in cause.remedy
    assert "not on master" in replace(cause, merged=False).remedy
    assert "git log -p -- stacks/app/ingress.tf" in replace(cause, edited=("stacks/app/ingress.tf",)).remedy
    assert replace(cause, change="newservice change app --auth required").remedy.startswith(
        "newservice change app --auth"
    )


# --- the addresses, from the answers -------------------------------------------------------------------------------


REASONS = {"auth_reason": "said so"}


def test_a_template_that_does_not_list_its_addresses() -> None:
    """Services of earlier templates have no such answer: nothing is claimed about them."""
    earlier = answer(SMALLEST)
    context = {name: value for name, value in earlier.context.items() if name != "doors"}
    assert replace(earlier, context=context).doors is None


def doors(**given: Any) -> dict[str, tuple[str, str, str]]:
    return {door.url: (door.auth, door.what, door.reach) for door in answer({**SMALLEST, **given}).doors or ()}


def test_every_address_of_a_service() -> None:
    name, domain = SMALLEST["name"], "viktorbarzin.me"
    main = f"https://{name}.{domain}"
    auth = ("required", "auth", "public")
    assert {
        door.auth: door.meets for auth in MEETS for door in answer({**SMALLEST, "auth": auth} | REASONS).doors or ()
    } == MEETS
    assert doors() == {f"{main}/": auth, f"{main}/healthz": auth, f"{main}/metrics": auth}
    hooks = [{"name": "hooks", "paths": ["/hooks", "/met"], "reason": "signed", "probe_path": "/hooks/ping"}]
    carved = doors(carveouts=hooks, lan_host={"host": "second", "auth": "app", "reason": "its own login"})
    assert carved == doors() | {
        f"{main}/hooks": ("none", "carveouts.hooks", "public"),
        f"{main}/met": ("none", "carveouts.hooks", "public"),
        f"{main}/hooks/ping": ("none", "carveouts.hooks", "public"),
        "https://second.viktorbarzin.lan/": ("app", "lan_host", "lan"),
    }
    # What the cluster asks for counts where the host leads there, with the gate of the nearest path.
    below = doors(
        paths=["/app", "/api"],
        carveouts=[{**hooks[0], "paths": ["/app/open"], "probe_path": "/app/open/x"}],
        probe={"kind": "http", "path": "/app/open/ready"},
        metrics={"path": "/other"},
    )
    assert set(below) == {f"{main}{path}" for path in ("/app", "/api", "/app/open", "/app/open/x", "/app/open/ready")}
    assert below[f"{main}/app/open/ready"][:2] == ("none", "carveouts.hooks")
    assert {reach for *_, reach in doors(dns="internal").values()} == {"internal"}
    assert set(doors(dns="lan")) == {f"https://{name}.viktorbarzin.lan{path}" for path in ("/", "/healthz", "/metrics")}
    assert doors(metrics={"path": "/metrics", "port": 9100}).keys() == doors(metrics="none").keys()
    assert not doors(kind="worker")


# --- the command ---------------------------------------------------------------------------------------------------

NAME = "guide"
GIVEN = {
    "name": NAME,
    "title": "Guide",
    "description": "Where to go.",
    "image_source": "upstream",
    "image": "docker.io/library/nginx:1.29",
    "probe": "none",
    "carveouts": [{"name": "hooks", "paths": ["/hooks"], "auth": "none", "reason": "signed", "probe_path": "/hooks/x"}],
    "lan_host": {"host": NAME, "auth": "app", "reason": "its own login"},
}
INGRESS = f"stacks/{NAME}/ingress.tf"


class Visit:
    """A merged service, and what strangers get."""

    def __init__(self, world: World) -> None:
        self.world = world

    def made(self, **more: Any) -> None:
        self.world.have({**GIVEN, **more})
        self.world.merge(NAME)

    def edit(self, old: str, new: str, path: str = INGRESS) -> None:
        """Change the merged stack by hand."""
        bare, branch = self.world.infra.bare, self.world.base
        text = (bare.file(branch, path) or b"").decode()
        changed = re.sub(old, new, text, count=1)
        assert changed != text
        bare.commit_files(branch, {path: changed}, "by hand", 1_800_000_000)

    def add(self, module: str) -> None:
        """Another ingress in the part of the stack that is the owner's."""
        path = f"stacks/{NAME}/extra.tf"
        source = self.world.platform.facts["modules"]["ingress"]
        body = f'module "more" {{\n  source = "{source}"\n  name = "more"\n  host = "{NAME}"\n{module}}}\n'
        bare, branch = self.world.infra.bare, self.world.base
        text = (bare.file(branch, path) or b"").decode()
        bare.commit_files(branch, {path: text + body}, "by hand", 1_800_000_000)

    def verify(self, *more: str) -> dict[str, Any]:
        self.completed: Completed = self.world.command("verify", NAME, *more)
        self.checks = self.completed.of("check")
        return next(check for check in self.checks if check["id"] == "site.gate")

    def pages(self, check: dict[str, Any]) -> dict[str, str]:
        """Verdicts by path, those from outside marked."""
        return {
            f"{'out ' if page['outside'] else ''}{page['url'].removeprefix('https://')}": page["verdict"]
            for page in check["facts"]["pages"]
        }


@pytest.fixture
def visit(world: World) -> Iterator[Visit]:
    yield Visit(world)
    assert world.sandbox.journal.find("edge", "(?!GET)") == []


@both_platforms
def test_an_applied_service_is_as_the_answers_say(visit: Visit) -> None:
    world = visit.world
    world.have(GIVEN)
    world.sandbox.open_outside()
    early = visit.verify()
    assert (early["state"], visit.completed.code) == ("waiting", 7)
    assert "not applied yet" in early["summary"]
    world.merge(NAME)
    world.sandbox.edge.applied = world.infra.bare.resolve(f"{world.base}~1") or ""
    assert visit.verify()["state"] == "waiting"  # merged, and not applied
    world.sandbox.edge.applied = None
    world.sandbox.journal.clear()
    check = visit.verify()
    assert (check["state"], visit.completed.code) == ("ok", 0), check
    domain, lan = world.platform.domain, world.platform.lan_domain
    paths = [f"{NAME}.{domain}{path}" for path in ("/", "/hooks", "/hooks/x")] + [f"{NAME}.{lan}/"]
    assert visit.pages(check) == dict.fromkeys([*paths, *(f"out {path}" for path in paths)], "right")
    for exchange in (item for item in world.sandbox.journal if item.system in ("edge", "outside", "resolver")):
        assert exchange.method == "GET"
        assert exchange.user_agent
    hosts = {item.server_name for item in world.sandbox.journal.find("edge")}
    assert {f"{NAME}.{domain}", f"{NAME}.{lan}"} < hosts
    assert world.platform.sign_on
    assert world.platform.sign_on.host not in hosts  # no redirect to another host is followed
    asked = [item.query for item in world.sandbox.journal.find("resolver")]
    assert sorted(asked) == sorted(
        f"name={NAME}.{part}&type={kind}" for part in (domain, lan) for kind in ("A", "AAAA")
    )


def test_without_an_outside_nobody_is_asked_there(visit: Visit) -> None:
    visit.made()
    check = visit.verify()
    assert check["state"] == "ok"
    assert not any(page["outside"] for page in check["facts"]["pages"])


GATE = r'auth( +)= "required"'


@pytest.mark.parametrize("gate", ["none", "public", "app"])
def test_a_gate_that_was_opened_by_hand_comes_first(visit: Visit, gate: str) -> None:
    visit.made()
    visit.edit(GATE, rf'auth\1= "{gate}"')
    check = visit.verify()
    assert (check["state"], check["code"], visit.completed.code) == ("failed", "gate.open", 7)
    assert visit.checks[0] == check
    assert visit.pages(check)[f"{NAME}.{visit.world.platform.domain}/"] == "open"
    assert check["summary"].startswith(f"open to strangers: https://{NAME}.{visit.world.platform.domain}/ (")
    assert INGRESS in check["hint"]
    (error,) = visit.completed.of("error")
    assert (error["code"], error["message"], error["hint"]) == ("gate.open", check["summary"], check["hint"])
    assert check["hint"] in visit.completed.result["next"]


def test_other_answers_than_the_recorded_ones_are_a_change(visit: Visit) -> None:
    visit.made(auth="none", auth_reason="everybody")
    before = visit.world.infra.bare.heads()[visit.world.base]
    visit.world.sandbox.edge.applied = before
    visit.edit(r'  # auth = "none": everybody\n  auth( +)= "none"', '  auth = "required"')
    check = visit.verify("--auth", "required")
    command, _, then = check["hint"].partition(", ")
    assert (check["code"], then) == ("gate.open", "then merge and apply it")
    assert command.startswith(f"newservice change {NAME} --platform ")
    assert command.endswith("auth=required")


def test_the_stack_says_so_and_is_not_applied(visit: Visit) -> None:
    visit.made()
    visit.edit(GATE, r'auth\1= "none"')
    visit.world.sandbox.edge.applied = visit.world.infra.bare.heads()[visit.world.base]
    visit.edit(r'auth( +)= "none"', r'auth\1= "required"')
    check = visit.verify()
    assert check["code"] == "gate.open"
    assert f"apply stacks/{NAME}" in check["hint"]


@pytest.mark.parametrize(
    ("module", "path", "code"),
    [
        # Paths count letter by letter: a carve-out opens what only begins so.
        ('  ingress_path = ["/met"]\n  auth = "none"\n', "/metrics", "gate.open"),
        ('  ingress_path = ["/hooks/"]\n', "/hooks/x", "gate.walled"),
    ],
)
def test_an_ingress_that_shadows_another(visit: Visit, module: str, path: str, code: str) -> None:
    visit.made(metrics={"path": "/metrics"})
    assert visit.verify()["state"] == "ok"
    visit.add(module)
    check = visit.verify()
    assert check["code"] == code
    wrong = {url for url, verdict in visit.pages(check).items() if verdict != "right"}
    assert wrong == {f"{NAME}.{visit.world.platform.domain}{path}"}


def test_a_carve_out_behind_the_login(visit: Visit) -> None:
    visit.made()
    visit.edit(r'\n  auth( +)= "none"', r'\n  auth\1= "required"')
    check = visit.verify()
    assert (check["state"], check["code"]) == ("failed", "gate.walled")
    assert "carveouts.hooks.auth is none" in check["summary"]
    assert visit.checks[0] == check


@pytest.mark.parametrize(
    ("dns", "old", "new", "exposed"),
    [
        ("internal", "", "", False),
        # A record of the CDN's leads through the tunnel, past the list of home networks.
        ("internal", r'dns_type( +)= "internal"', r'dns_type\1= "proxied"', True),
        ("internal", r'dns_type( +)= "internal"', r'dns_type\1= "non-proxied"', False),
        ("internal", r"  extra_middlewares .*\n", "", False),  # the record still leads nowhere
        ("lan", "", "", False),
        ("lan", r"  root_domain .*\n", "", False),  # then no ingress answers for the name on the home network
    ],
)
def test_a_home_name_from_outside(visit: Visit, dns: str, old: str, new: str, exposed: bool) -> None:
    visit.made(dns=dns, auth="app", auth_reason="its own login", carveouts=[], lan_host="none")
    visit.world.sandbox.open_outside()
    if old:
        visit.edit(old, new)
    check = visit.verify()
    seen = {page["verdict"] for page in check["facts"]["pages"] if page["outside"]}
    assert seen == ({"exposed"} if exposed else {"right"})
    assert check.get("code", "") == ("gate.exposed" if exposed else "")
    if exposed:
        assert "auth is app, internal only" in check["summary"]
        assert visit.checks[0] == check


def test_what_can_not_be_seen(visit: Visit) -> None:
    visit.made()
    visit.world.sandbox.open_outside()
    faults = visit.world.sandbox.faults
    texts = ('{"Status": 2}', '{"Status": 0, "Answer": [{"type": 1, "data": "no address"}]}', '{"Status": []}', "[]")
    broken: list[tuple[str, str | Status]] = [("resolver", Status(200, text, "application/dns-json")) for text in texts]
    broken += [
        ("resolver", "500"),
        ("resolver", "html200"),
        ("outside", "reset before acting"),
        ("outside", Status(502)),
    ]
    for system, fault in broken:
        faults.add(system, "GET", "", None, fault)
        assert visit.verify()["state"] == "ok", system
        faults.clear()
    for fault in (Status(502), "reset before acting", "certificate of another authority"):
        faults.add("edge", "GET", "", None, fault)
        check = visit.verify()
        assert (check["state"], visit.completed.code) == ("unknown", 7), fault
        assert check["hint"]
        faults.clear()
    assert visit.verify()["state"] == "ok"


def test_a_platform_without_a_single_sign_on(visit: Visit) -> None:
    visit.made()
    profile = visit.world.sandbox.profile
    profile.write_text(yaml.safe_dump(yaml.safe_load(profile.read_text()) | {"sign_on": None}))
    visit.world.sandbox.journal.clear()
    check = visit.verify()
    assert (check["state"], visit.completed.code) == ("skipped", 0)
    assert "sign_on" in check["summary"]
    assert visit.world.sandbox.journal.find("edge") == []


def test_a_page_without_an_end_is_read_no_further(visit: Visit) -> None:
    visit.made()
    visit.world.sandbox.faults.add("edge", "GET", "^/hooks$", None, Status(200, "x" * 1_000_000, "text/html"))
    assert visit.verify()["state"] == "ok"
