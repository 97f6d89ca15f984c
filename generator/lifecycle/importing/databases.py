"""PostgreSQL and MySQL beside an application: the shared ones take their place, and its variables follow. Pure."""

from __future__ import annotations

import re
from typing import Any

from generator.base.secrets import learn, learn_addresses
from generator.lifecycle.importing.companions import Used
from generator.lifecycle.importing.nodes import Node

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_END = re.compile(r"(HOST|HOSTNAME|HOSTS|SERVER|ADDR|ADDRESS)$", re.IGNORECASE)


def map_database(used: Used) -> None:
    """The answer ``database``, with the variables that hold something of the connection."""
    scope, draft = used.scope, used.scope.draft
    env: dict[str, str] = {}
    schemes: dict[str, Node] = {}
    stems = []
    for name, node in scope.variables.items():
        if found := used.url(node.text):
            used.taken.add(name)
            learn_addresses(node.text)
            _address(used, name, node, found, env, schemes)
        elif used.names_host(name, node.text):
            used.taken.add(name)
            _host(used, name, node, env)
            stems.append(_END.sub("", name))
    _beside(used, [stem for stem in stems if stem], env)
    answer: dict[str, Any] = {"engine": used.what.what}
    if schemes:
        answer["dsn_scheme"] = next(iter(schemes))
    if env:
        answer["env"] = env
        answer |= _defaults(used, set(env.values()))
    draft.put("database", answer if len(answer) > 1 else used.what.what, used.image)
    _remarks(used, env)


def _defaults(used: Used, held: set[str]) -> dict[str, str]:
    """Name and role, where no variable names them: the application's own, which the file's database has, too."""
    found: dict[str, str] = {}
    if "dsn" in held or "password" not in held:
        return found
    if any(used.scope.variables[name].text.startswith("jdbc:") for name in used.taken):
        held = held | {"name"}  # the address has it
    reserved = ("root", *used.scope.conventions.words("engine_words"))
    for part, key in (("name", "name"), ("user", "role")):
        own = used.own.get(part)
        if part in held or own is None or own.text in reserved or not _IDENTIFIER.fullmatch(own.text):
            continue
        found[key] = own.text
        why = f"no variable holds the {part}, so it is {own.text}, which the application has by itself"
        used.scope.draft.assume("database", why, own)
    return found


def _beside(used: Used, stems: list[str], env: dict[str, str]) -> None:
    """The variables beside address and host: user, password, name and port."""
    draft = used.scope.draft
    held: dict[str, Node] = {}
    for name, node in used.scope.variables.items():
        variable = _in_file(used, name, node)
        part = "" if name in used.taken else _part(used, variable, node, stems)
        if not part:
            continue
        used.taken.add(name)
        if part == "password":
            learn(node.text, name)
        if _another(used, name, node, part, held):
            continue
        env[variable] = part
        held[part] = node
        if variable != name:
            draft.assume(f"database.env.{variable}", f"the image takes {variable} in place of {name}", node)


def _address(
    used: Used, name: str, node: Node, found: re.Match[str], env: dict[str, str], schemes: dict[str, Node]
) -> None:
    draft, scheme = used.scope.draft, found["scheme"].lower()
    if found["jdbc"]:  # it holds neither user nor password
        base = str(draft.answers.get("name", "")).replace("-", "_")
        value = f"jdbc:{found['scheme']}://{used.token}:{used.facts['port']}/{base}{found['query'] or ''}"
        draft.put_entry("env", name, value, node, assumed="it holds the address of the shared database")
    elif schemes and scheme not in schemes:
        draft.miss(f"env.{name}", f"it begins with {scheme}, and another address with {next(iter(schemes))}", node)
    else:
        schemes[scheme] = node
        env[name] = "dsn"
        if found["query"]:
            options = ", ".join(_option(used, part, node) for part in found["query"][1:].split("&"))
            draft.assume(f"database.env.{name}", f"the options of the address ({options}) are left out", node)


def _option(used: Used, text: str, node: Node) -> str:
    """The name of an option. Its value goes into the variable that clients of the engine read it from."""
    name, _, value = text.partition("=")
    variable = used.facts.get("options", {}).get(name)
    if variable and variable not in used.scope.variables:
        used.scope.draft.put_entry("env", variable, value, node, assumed=f"the database's clients read {name} from it")
    return name


def _host(used: Used, name: str, node: Node, env: dict[str, str]) -> None:
    if ":" in node.text:
        value = f"{used.token}:{used.facts['port']}"
        used.scope.draft.put_entry("env", name, value, node, assumed="it holds the host of the shared database")
    else:
        env[name] = "host"


def _another(used: Used, name: str, node: Node, part: str, held: dict[str, Node]) -> bool:
    """Whether a variable is about more than the one database and its role; it is reported then."""
    if part == "password" and "ROOT" in name.upper():
        used.scope.draft.omit(f"env.{name}", f"{name} is left out: nobody gets the shared server's own password", node)
        return True
    if part == "name" and part in held and held[part].text != node.text:
        missing = f"{name} names a further database, and the shared server gives a service one"
        used.scope.draft.omit(f"database.env.{name}", missing, node)
        return True
    return False


def _in_file(used: Used, name: str, node: Node) -> str:
    """The variable that takes a value, where this one names a file that Compose mounts with a secret."""
    rules = used.scope.conventions.value("secrets")
    named = name.upper().endswith(rules["file_suffix"]) and node.text.startswith(rules["mount"])
    return name[: -len(rules["file_suffix"])].rstrip("_") if named else name


def _part(used: Used, name: str, node: Node, stems: list[str]) -> str:
    """What a variable beside the host holds of the connection; empty for nothing."""
    part = used.part_by_name(name)
    if part in ("", "host"):
        return ""
    words = used.scope.conventions.value("database_words")
    near = bool(re.search(words, name[:200], re.IGNORECASE)) or any(name.startswith(stem) for stem in stems)
    own = used.own.get(part)
    written = own is not None and "$" in own.raw and own.raw == node.raw
    same = own is not None and own.text == node.text != ""
    if part == "port":
        return "port" if near and (node.text == str(used.facts["port"]) or node.open) else ""
    if part == "name" and not same and node.text.lower() in used.scope.conventions.words("engine_words"):
        return ""
    beside = part == "user" and any(name.startswith(stem) for stem in stems)
    known = same or own is None or beside or bool(node.open) or part == "password"
    return part if written or (near and known) else ""


def _remarks(used: Used, env: dict[str, str]) -> None:
    """What a person should know about the shared database in place of the file's own."""
    draft, image = used.scope.draft, used.image
    for name in env:
        node = used.scope.variables.get(name)
        draft.origins[f"database.env.{name}"] = (node or image).origin
    draft.assume(
        "database",
        f"the service {used.key} ({image.text}) is left out, and the shared database takes its place; its data is not "
        "moved: dump it there, and restore it here",
        image,
    )
    if used.what.also:
        more = f"{image.text} has {used.what.also}, which the shared database may lack: ask for it first"
        draft.omit("database", more, image)
    if not env and not used.taken:
        draft.miss(
            "database.env",
            "nothing in the environment says how the application finds its database: answer database with env, the "
            "variables of its host, user, password and name",
            image,
        )
    elif env and not {"dsn", "password"} & set(env.values()):
        draft.miss("database.env", "no variable holds the password, which the shared database changes by itself", image)
    for volume in used.service.get("volumes").items:
        target = volume.get("target").text if volume.is_map else volume.text
        if "/docker-entrypoint-initdb.d" in target:
            draft.omit("database", "scripts that prepare the database are not run: run them once by hand", volume)
    for key in ("command", "entrypoint"):
        if (node := used.service.get(key)).value is not None:
            draft.omit("database", f"settings of the database's server ({key}) do not reach the shared one", node)
