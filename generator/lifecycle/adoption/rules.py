"""What shows a language, a Dockerfile or a pipeline: the template's data, ready to be matched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.lifecycle.adoption.pipelines import Builder, builders_of
from generator.template.template import Template


@dataclass(frozen=True)
class Language:
    """How a repository shows a language. ``alone``: only where it shows no other.

    The steps of the test ``test`` fit where all of ``tested`` are at the top, and package.json has the ``scripts``.
    """

    name: str
    files: re.Pattern[str]
    alone: bool = False
    test: str = ""
    tested: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """The patterns of ``templates/detection.yml`` and ``templates/languages.yml``.

    ``registry`` begins the names of this platform's images; ``old_pipelines`` are paths of the profile. ``proposals``
    has the languages whose Dockerfile can be proposed, with what that is made from.
    """

    languages: tuple[Language, ...]
    builders: tuple[Builder, ...]
    patterns: Mapping[str, re.Pattern[str]]
    registry: str = ""
    old_pipelines: Sequence[str] = ()
    proposals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, template: Template, registry: str = "", old_pipelines: Sequence[str] = ()) -> Rules:
        """The rules of a template, for a platform."""
        data, known = template.detection, template.constants["languages"]
        languages = [_language(name, facts.get("detect", {}), facts["test"]["name"]) for name, facts in known.items()]
        languages += [_language(name, facts, "") for name, facts in data["languages"].items()]
        dockerfiles = data["dockerfiles"]
        patterns = {
            "skipped": data["skipped_folders"],
            "dockerfile": dockerfiles["name"],
            "beside": dockerfiles["beside"],
            "development": rf"(.*[.-])?({dockerfiles['development']})([.-].*)?",
            "tests": rf"(.+/)?({'|'.join(data['tests']['files'])})",
            "starts": data["starts"]["path"],
            **{part: data[part]["path"] for part in SYSTEMS},
        }
        compiled = {name: re.compile(text, re.IGNORECASE) for name, text in patterns.items()}
        found = tuple(item for item in languages if item.files.pattern)
        proposals = {name: facts["proposal"] for name, facts in known.items() if facts.get("proposal") is not None}
        return cls(found, builders_of(data["builders"]), compiled, registry, tuple(old_pipelines), proposals)

    def matches(self, pattern: str, text: str) -> bool:
        """Whether one of the patterns matches a text as a whole."""
        return self.patterns[pattern].fullmatch(text) is not None

    def skips(self, path: str) -> bool:
        """Whether a file is in a folder that is not looked into."""
        return any(self.matches("skipped", folder) for folder in path.split("/")[:-1])


SYSTEMS = ("workflows", "pipelines", "compositions")


def _language(name: str, facts: Mapping[str, Any], test: str) -> Language:
    return Language(
        name,
        re.compile("|".join(facts.get("files", ()))),
        bool(facts.get("alone", False)),
        test,
        tuple(facts.get("tested", ())),
        tuple(facts.get("scripts", ())),
    )
