"""The tools: what each takes, and the command line that it stands for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from generator.mcp.sources import Sources

Given = Mapping[str, Any]
"""Arguments of a call, validated by the tool's schema."""

_ANSWERS = {
    "type": "object",
    "description": "Answers by question, with their own types (numbers, lists, maps). The tool `schema` gives their "
    "form. Never the value of a secret.",
}
_NAME = {"type": "string", "minLength": 1, "description": "The service's name."}
NONE_ALLOWED = Sources()
_DIFFS = {"type": "boolean", "default": False, "description": "Include the diffs of all files."}
_VERSION = {
    "type": "string",
    "minLength": 1,
    "description": "A released version of the template for a new service; the installed one without it.",
}
_FOLDER = {"type": "string", "minLength": 1, "description": "Where the service's repository is or goes; ./NAME."}
_FILES = {
    "type": "boolean",
    "default": False,
    "description": "Files only, in the service's folder and the infra clone's checkout: no network, no system.",
}


def _places(given: Given) -> None:
    from generator.mcp.guards import may_be_there  # heavy, and only needed for a call

    for key in ("path", "service_dir"):
        if key in given:
            may_be_there(given[key])


def _target(given: Given) -> None:
    from generator.mcp.guards import may_be_there  # as above

    may_be_there(given["target"])


@dataclass(frozen=True)
class Tool:
    """One command as a tool. ``writes``: its purpose is a change; ``line`` makes its command line: all words of the
    command in the first, no answers, and names and paths behind ``--``, so that none is ever taken for a flag."""

    name: str
    title: str
    description: str
    properties: Mapping[str, Any]
    line: Callable[[Given], list[str]]
    required: tuple[str, ...] = ()
    writes: bool = False
    infra: bool = True
    """Whether it takes ``--infra``."""
    values_in: str = ""
    """The argument that names sources of secrets' values, if it has one."""
    edits: bool = False
    """Whether it changes existing things, in addition to adding new ones."""
    guard: Callable[[Given], None] = _places
    """Raises a ``NewserviceError`` where the command must not be run; called by the thread that would run it."""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.required),
            "additionalProperties": False,
        }


_TASKS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"do": {"type": "string"}, "run": {"type": "string"}},
        "required": ["do"],
    },
}
_CHECKLIST = {
    "type": "object",
    "description": "What surrounds the merge: by hand before it, stacks that it applies by itself, by hand after it.",
    "properties": {"before": _TASKS, "pipeline": {"type": "array", "items": {"type": "string"}}, "after": _TASKS},
    "required": ["before", "pipeline", "after"],
}

OUTPUT: dict[str, Any] = {
    "type": "object",
    "description": "What the command says with --json: every object but the last as events, the last as result.",
    "properties": {
        "events": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"event": {"type": "string"}, "schema": {"const": 1}},
                "required": ["event", "schema"],
            },
        },
        "result": {
            "type": "object",
            "properties": {
                "event": {"const": "result"},
                "schema": {"const": 1},
                "status": {"enum": ["success", "unchanged", "partial", "refused", "error"]},
                "exit_code": {"type": "integer"},
                "service": {"type": "string"},
                "urls": {"type": "object", "additionalProperties": {"type": "string"}},
                "next": {"type": "array", "items": {"type": "string"}},
                "checklist": _CHECKLIST,
                "answers": {"type": "string", "description": "The answers file that was written."},
            },
            "required": ["event", "schema", "status", "exit_code", "service", "urls", "next"],
        },
    },
    "required": ["events", "result"],
}


def tools(*, writes: bool, sources: Sources = NONE_ALLOWED) -> tuple[Tool, ...]:
    """The tools that a server offers; without ``writes`` none of them changes anything, and none reads a value of a
    secret from elsewhere than ``sources``."""
    changing = (_CHANGE, _UPDATE, _ADOPT) if writes else (_CHANGE_PLAN, _UPDATE_CHECK, _ADOPT_PLAN)
    offered = (_SCHEMA, _IMPORT, _PLAN, _STATUS, _VERIFY, _SECRETS_SHOW, *changing)
    return tuple(_reading(tool, sources) for tool in ((*offered, _CREATE, _SECRETS_PUSH) if writes else offered))


def _reading(tool: Tool, sources: Sources) -> Tool:
    """A tool that takes values of secrets from these sources only."""
    key = tool.values_in
    if not key:
        return tool

    def guard(given: Given) -> None:
        tool.guard(given)
        sources.check_files(given.get(key, {}))

    return replace(
        tool,
        description=f"{tool.description} {sources.summary}",
        properties={**tool.properties, key: sources.schema if key == "seeds" else sources.replacements},
        guard=guard,
    )


def _service(command: str, given: Given, flags: list[str]) -> list[str]:
    line = [command, "--non-interactive", *flags]
    line += ["--diff"] if given.get("diffs") else []
    line += ["--no-provision"] if given.get("no_provision") else []
    line += [f"--service-dir={given['service_dir']}"] if "service_dir" in given else []
    line += [f"--seed={name}={place}" for name, place in given.get("seeds", {}).items()]
    return line + (["--", given["name"]] if "name" in given else [])


def _version(given: Given) -> list[str]:
    return [f"--template={given['template']}"] if "template" in given else []


def _verify(given: Given) -> list[str]:
    flags = ["--wait"] if given.get("wait") else []
    flags += [f"--timeout={given['timeout']}"] if "timeout" in given else []
    return _service("verify", given, flags)


def _secrets_push(given: Given) -> list[str]:
    flags = [f"--replace={name}={place}" for name, place in given.get("replace", {}).items()]
    return _service("secrets push", given, [*flags, "--dry-run" if given.get("dry_run") else "--yes"])


def _amending(given: Given) -> list[str]:
    """The flags for what is removed from the recorded answers, replaced whole, and agreed to."""
    line = [f"--unset={place}" for place in given.get("unset", ())]
    line += [f"--replace={name}" for name in given.get("replace", ())]
    line += [f"--accept-loss={place}" for place in given.get("accept_loss", ())]
    return line + (["--open"] if given.get("open") else [])


def _change(given: Given, *, dry_run: bool) -> list[str]:
    flags = ["--dry-run" if dry_run else "--yes", *_amending(given)]
    return _service("change", given, flags + (["--undo"] if given.get("undo") else []))


def _adopt(given: Given, *, dry_run: bool) -> list[str]:
    flags = ["--dry-run" if dry_run else "--yes", *(["--commit"] if given.get("direct") else [])]
    return [*_service("adopt-repository", given, flags), "--", given["target"]]


def _update(given: Given, *, check: bool) -> list[str]:
    line = ["update", "--non-interactive"]
    line += ["--check"] if check else []
    line += ["--diff"] if given.get("diffs") else []
    line += [f"--to={given['to']}"] if "to" in given else []
    line += _amending(given)
    return [*line, "--", given["path"]]


_SCHEMA = Tool(
    "schema",
    "Schema of the answers",
    "The JSON Schema of the answers that plan and create take: every question with its form, default, examples, when "
    "it applies, and what only plan can refuse, in words. Read it first.",
    {"template": {**_VERSION, "description": "A released version of the template; the installed one without it."}},
    lambda given: ["schema", *_version(given)],
    infra=False,
)

_IMPORT = Tool(
    "import_compose",
    "Answers from a Compose file",
    "The answers that a Docker Compose file says for one of its services, as the event answers, and an event finding "
    "for each thing: where it comes from (origin), what is assumed, missing, or not expressed, and which secrets there "
    "are, never their values. Exit code 8: answers are missing; ask a person, and complete them for plan. Writes "
    "nothing.",
    {
        "path": {"type": "string", "minLength": 1, "description": "The Compose file. Only its folder is read."},
        "service": {"type": "string", "minLength": 1, "description": "The service of the file that is meant."},
        "answers": {**_ANSWERS, "description": "Answers that win over what the file says."},
    },
    lambda given: [
        "import compose",
        "--dry-run",
        *([f"--service={given['service']}"] if "service" in given else []),
        "--",
        given["path"],
    ],
    required=("path",),
    infra=False,
)

_PLAN = Tool(
    "plan",
    "Plan a service",
    "What create would do: files, registrations and steps, each with its state as observed now. Changes nothing. All "
    "wrong and missing answers come at once, each with code, question, message and hint.",
    {
        "name": _NAME,
        "answers": _ANSWERS,
        "seeds": NONE_ALLOWED.schema,
        "template": _VERSION,
        "diffs": _DIFFS,
        "service_dir": _FOLDER,
        "no_provision": _FILES,
    },
    lambda given: _service("plan", given, _version(given)),
    values_in="seeds",
)

_CREATE = Tool(
    "create",
    "Create a service",
    "Carries out the plan at once: repository, mirror, CI, secrets, and a pull request in the infra repository. What "
    "exists already stays; the same call again continues a run that stopped, and changes nothing when everything "
    "exists. Show the plan to a person first. result.next is for a person.",
    dict(_PLAN.properties),
    lambda given: _service("create", given, ["--yes", *_version(given)]),
    writes=True,
    values_in="seeds",
)


def _adopting(dry_run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "target": {
            "type": "string",
            "minLength": 1,
            "description": "NAME or OWNER/NAME of a repository on Forgejo, else on GitHub; or the path of a clone.",
        },
        "answers": {
            **_ANSWERS,
            "description": f"{_ANSWERS['description']} What the repository says about itself can be left out.",
        },
        "direct": {
            "type": "boolean",
            "default": False,
            "description": "Commit to the branch itself instead of a pull request.",
        },
        "dry_run": dry_run,
        "seeds": NONE_ALLOWED.schema,
        "diffs": _DIFFS,
    }


_ADOPT_PLAN = Tool(
    "adopt_repository",
    "Plan an adoption",
    "What adopting a repository that people began would do: what it says about itself, what each thing is now and what "
    "would become of it. Open questions come at once, each with its candidates. Changes nothing: this server is "
    "read-only.",
    _adopting({"const": True, "default": True, "description": "Only plan; nothing else is offered here."}),
    lambda given: _adopt(given, dry_run=True),
    required=("target",),
    values_in="seeds",
    guard=_target,
)

_ADOPT = Tool(
    "adopt_repository",
    "Adopt a repository",
    "Brings a repository with history under the same CI, mirror and deploy path as a new service, at once: it marks "
    "repository and mirror, and proposes workflow, pipeline, answers file and, where there is none, a Dockerfile that "
    "nobody has tried, in a pull request. History and existing files stay. The "
    "same call again continues a run that stopped. With dry_run it only plans: show that to a person "
    "first, who has to agree. result.next is for a person.",
    _adopting({"type": "boolean", "default": False, "description": "Only plan; change nothing."}),
    lambda given: _adopt(given, dry_run=bool(given.get("dry_run"))),
    required=("target",),
    writes=True,
    edits=True,
    values_in="seeds",
    guard=_target,
)

_STATUS = Tool(
    "status",
    "State of a service",
    "Every step's state as observed now, with the answers that the service was created with. Changes nothing.",
    {
        "name": _NAME,
        "answers": _ANSWERS,
        "diffs": _DIFFS,
        "service_dir": _FOLDER,
        "no_provision": _FILES,
    },
    lambda given: _service("status", given, []),
    required=("name",),
)

_VERIFY = Tool(
    "verify",
    "Proof of life",
    "Whether a service is really alive: mirror, build, image, deploy, secrets, stack, registrations, monitors. Exit "
    "code 7 and a check for each failure. Changes nothing.",
    {
        "name": _NAME,
        "answers": _ANSWERS,
        "wait": {
            "type": "boolean",
            "default": False,
            "description": "Keep checking until it is alive or something has failed.",
        },
        "timeout": {"type": "integer", "minimum": 0, "description": "How many seconds wait keeps checking at most."},
        "service_dir": _FOLDER,
    },
    _verify,
    required=("name",),
)

_SECRETS_SHOW = Tool(
    "secrets_show",
    "Secrets of a service",
    "For each secret of a service (Vault, Actions secrets, Woodpecker): where it is used, whether it exists, who wrote "
    "it as far as that is known, and when; the facts of each check. Never a value. Changes nothing.",
    {"name": _NAME, "service_dir": _FOLDER},
    lambda given: _service("secrets show", given, []),
    required=("name",),
)

_SECRETS_PUSH = Tool(
    "secrets_push",
    "Write secrets again",
    "Writes the Actions secrets of a service again, from the credentials of the platform; or, with replace, gives the "
    "named properties in Vault another value, keeping their old version. With dry_run it only shows the plan: show it "
    "to a person first.",
    {
        "name": _NAME,
        "replace": NONE_ALLOWED.replacements,
        "dry_run": {"type": "boolean", "default": False, "description": "Only show the plan."},
        "service_dir": _FOLDER,
    },
    _secrets_push,
    required=("name",),
    writes=True,
    edits=True,
    values_in="replace",
)

_PATH = {
    "type": "string",
    "minLength": 1,
    "description": "A clone of the service's repository, or the stack's folder in the infra clone.",
}
_TO = {"type": "string", "minLength": 1, "description": "A released version of the template; the newest without it."}
_OTHER = {
    "answers": {
        **_ANSWERS,
        "description": f"{_ANSWERS['description']} Maps, and lists whose entries have a name, are merged with the "
        "recorded ones; other answers are replaced.",
    },
    "unset": {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "description": "Entries to remove, such as env.LOG_LEVEL.",
    },
    "replace": {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "description": "Questions whose given map or list replaces the recorded one whole.",
    },
    "accept_loss": {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "description": "Places whose data may be lost, such as volumes.data, as the error change.loss names them. Only "
        "after a person agreed and the data is saved.",
    },
    "open": {
        "type": "boolean",
        "default": False,
        "description": "Let the answers open what the error change.opens names. Only after a person agreed.",
    },
}


def _changing(dry_run: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a change; ``dry_run`` describes its own."""
    return {
        "name": _NAME,
        **_OTHER,
        "undo": {
            "type": "boolean",
            "default": False,
            "description": "Restore the answers from before the last merged change; with no other answers.",
        },
        "seeds": NONE_ALLOWED.schema,
        "dry_run": dry_run,
        "diffs": _DIFFS,
    }


_CHANGE_PLAN = Tool(
    "change",
    "Plan a change of a service",
    "What other answers would change of a service that exists: each answer old and new as events of kind change, "
    "files, registrations and steps. Needs no checkout. Changes nothing: this server is read-only.",
    _changing({"const": True, "default": True, "description": "Only plan; nothing else is offered here."}),
    lambda given: _change(given, dry_run=True),
    required=("name",),
    values_in="seeds",
)

_CHANGE = Tool(
    "change",
    "Change a service",
    "Other answers for a service that exists, carried out at once: the systems follow, and each repository that "
    "changes gets a pull request; an open one gets another commit. The same call again continues a run that stopped, "
    "and undo goes back. With dry_run it only plans: show that to a person first. result.next is for a person.",
    _changing({"type": "boolean", "default": False, "description": "Only plan; change nothing."}),
    lambda given: _change(given, dry_run=bool(given.get("dry_run"))),
    required=("name",),
    writes=True,
    edits=True,
    values_in="seeds",
)


_UPDATE_CHECK = Tool(
    "update",
    "Check a template update",
    "Whether a repository or stack is behind the newest template, and what an update would change. Changes nothing: "
    "this server is read-only.",
    {
        "path": _PATH,
        "to": _TO,
        "check": {"const": True, "default": True, "description": "Only check; nothing else is offered here."},
        **_OTHER,
        "diffs": _DIFFS,
    },
    lambda given: _update(given, check=True),
    required=("path",),
    infra=False,
)

_UPDATE = Tool(
    "update",
    "Update to a template",
    "Merges the newest template into a checkout; local edits are kept, nothing is committed. With check it only "
    "reports what would change. Exit code 6: files are in conflict and contain git's conflict markers.",
    {
        "path": _PATH,
        "to": _TO,
        "check": {
            "type": "boolean",
            "default": False,
            "description": "Only report what is behind and what would change.",
        },
        **_OTHER,
        "diffs": _DIFFS,
    },
    lambda given: _update(given, check=bool(given.get("check"))),
    required=("path",),
    writes=True,
    infra=False,
    edits=True,
)
