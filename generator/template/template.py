"""Where the template is and how its expressions are evaluated; the one place that knows copier's Jinja dialect."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Hashable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, StrictUndefined
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2_ansible_filters.core_filters import to_nice_yaml

from generator.template.forms import in_form
from generator.template.template_cache import compiled, kept

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Template:
    """A template tree: ``copier.yml`` and ``templates/`` below ``root``."""

    root: Path

    @classmethod
    @cache
    def installed(cls) -> Template:
        """The template that came with this installation: packaged in a wheel, beside the package in a checkout.

        The same for all of a process, so that it is read once.
        """
        checkout = PACKAGE.parent
        return cls(checkout if (checkout / "copier.yml").is_file() else PACKAGE / "_template")

    @property
    def registrations(self) -> Path:
        """Folder of the registrations' declarations."""
        return self.root / "templates" / "registrations"

    @cached_property
    def config(self) -> dict[str, Any]:
        """``copier.yml`` as data."""
        return _parsed(self.root / "copier.yml")

    @cached_property
    def version(self) -> str:
        """The template's own version (PEP 440)."""
        return str(self.config["template_version"]["default"])

    @cached_property
    def shapes(self) -> dict[str, Any]:
        """The shapes of structured answers, by name."""
        return _parsed(self.root / "templates" / "shapes.yml")

    @cached_property
    def constants(self) -> dict[str, Any]:
        """The computed values that depend on neither answers nor platform: files of data, such as ``languages``."""
        return {
            name: parse_own_yaml(self.render(item["default"], {}))
            for name, item in self.config.items()
            if isinstance(item, dict) and item.get("type") == "yaml" and item.get("when") is False
        }

    def fixed(self, source: Any) -> Any:
        """What an expression comes to where only ``constants`` decide; else the expression itself."""
        if not isinstance(source, str):
            return source
        reads: set[str] = set()
        try:
            text = self.render(source, self.constants, reads)
        except jinja2.UndefinedError:
            return source
        return parse_yaml(text) if reads <= self.constants.keys() else source

    @cached_property
    def platform(self) -> dict[str, Any]:
        """The built-in platform profile as data."""
        return _parsed(self.root / "templates" / "platform.yml")

    @cached_property
    def detection(self) -> dict[str, Any]:
        """What a repository that exists shows of itself, as data. Raises ``NewserviceError``: not in its form."""
        return self._in_form("detection.yml")

    @cached_property
    def imports(self) -> dict[str, Any]:
        """What is known of Compose files, as data. Raises ``NewserviceError`` where it is not in its form."""
        return self._in_form("import.yml")

    def _in_form(self, file: str) -> dict[str, Any]:
        data: dict[str, Any] = in_form(
            file, parse_own_yaml((self.root / "templates" / file).read_text(encoding="utf-8"))
        )
        return data

    @cached_property
    def start(self) -> dict[str, Any]:
        """What a person is asked first, as data; empty in templates that ask nothing of the kind."""
        place = self.root / "templates" / "start.yml"
        return _parsed(place) if place.is_file() else {}

    @cached_property
    def own_words(self) -> frozenset[str]:
        """Maps of the platform profile whose keys are the platform's own words."""
        place = self.root / "templates" / "own_words.yml"
        return frozenset(parse_yaml(place.read_text(encoding="utf-8")))

    @cached_property
    def environment(self) -> SandboxedEnvironment:
        """The Jinja environment that copier builds for this template, for expressions outside of copier."""
        options = dict(self.config.get("_envops", {}))
        options["undefined"] = StrictUndefined
        environment = _Environment(  # what is rendered is HCL, YAML and Markdown, never a web page
            loader=ChoiceLoader([DictLoader(self._expressions), FileSystemLoader(self.root)]),
            extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
            bytecode_cache=compiled(self.config.get("_envops", {})),
            cache_size=-1,  # a wizard evaluates everything again and again
            autoescape=False,
            **options,
        )
        # The same as the filters' own, and quicker: a fleet's trees say the same things again and again.
        environment.filters["from_yaml"] = _from_yaml
        environment.filters["to_nice_yaml"] = _to_nice_yaml
        return environment

    @cached_property
    def memory(self) -> dict[Hashable, Any]:
        """What others made of the template, for as long as it is in use: by whatever they remember it by."""
        return {}

    @cached_property
    def never_rendered(self) -> tuple[str, ...]:
        """Patterns of names that are left out whatever the answers: what tools leave in folders."""
        return tuple(pattern for pattern in self.config.get("_exclude", ()) if "[%" not in pattern)

    def left_out(self, context: Mapping[str, Any]) -> frozenset[str]:
        """Paths of the files and folders that these answers leave out of a tree.

        The expressions in ``_exclude`` render one a line, behind a slash and without globs.
        """
        computed = (pattern for pattern in self.config.get("_exclude", ()) if "[%" in pattern)
        lines = [line for pattern in computed for line in self.render(pattern, context).split("\n")]
        return frozenset(line.removeprefix("/") for line in lines if line)

    def made_once(self, context: Mapping[str, Any]) -> frozenset[str]:
        """Paths of the files that are made once and are their owner's from then on."""
        return frozenset(self.render(path, context) for path in self.config.get("_skip_if_exists", ()))

    def render(self, source: str, context: Mapping[str, Any], reads: set[str] | None = None) -> str:
        """Render one expression or text with ``context`` as its variables.

        The names that it looks up, there or in vain, are added to ``reads``. Raises jinja2's ``UndefinedError`` when
        the text uses a variable that the context lacks.
        """
        if not any(mark in source for mark in self._marks):
            return source
        _looked_up.names = set() if reads is None else reads
        found = self._compiled.get(source)
        if found is None:
            name = f"expression {hashlib.sha256(source.encode()).hexdigest()}"
            self._expressions.setdefault(name, source)
            found = self._compiled.setdefault(source, self.environment.get_template(name))
        return found.render(context)

    @cached_property
    def _marks(self) -> tuple[str, ...]:
        """A text without any of these is rendered unchanged."""
        found = self.environment
        line_ends = ("\r",) if found.keep_trailing_newline else ("\r", "\n")
        return found.block_start_string, found.variable_start_string, found.comment_start_string, *line_ends

    @cached_property
    def _compiled(self) -> dict[str, jinja2.Template]:
        return {}

    @cached_property
    def _expressions(self) -> dict[str, str]:
        """The expressions that were rendered, by name: what has a name is compiled once."""
        return {}


class _LookedUp(threading.local):
    """The names that what is rendered in this thread looks up."""

    def __init__(self) -> None:
        self.names: set[str] = set()


_looked_up = _LookedUp()


class _Context(Context):
    """Notes every name that is looked up, also by what a template includes or imports."""

    def resolve_or_missing(self, key: str) -> Any:
        _looked_up.names.add(key)
        return super().resolve_or_missing(key)


class _Environment(SandboxedEnvironment):
    """Templates have the globals themselves, not a view of them that is slow to read: no global is added later."""

    context_class = _Context

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


def parse_yaml(text: str | bytes) -> Any:
    """What a YAML text of a template's says; libyaml reads it ten times as fast, where PyYAML was built with it."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - either is a safe one


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_own_yaml(text: str) -> Any:
    """The same for a text that is the template's own: read once, and kept for later processes."""
    return pickle.loads(_packed(text))  # noqa: S301 - our own; whoever unpacks it may change it


@lru_cache(maxsize=64)
def _packed(text: str) -> bytes:
    return kept(text, lambda: pickle.dumps(parse_yaml(text)))


def _from_yaml(data: Any) -> Any:
    return parse_own_yaml(str(data)) if isinstance(data, str) else data


def _to_nice_yaml(data: Any, *arguments: Any, **options: Any) -> Any:
    if isinstance(data, dict) and len(data) == 1 and not arguments:
        ((key, value),) = data.items()
        if isinstance(key, str) and type(value) in _SCALARS:
            return _scalar_entry(key, value, type(value).__name__, tuple(sorted(options.items())))
        if isinstance(key, str) and value in ([], {}):
            return _empty_entry(key, isinstance(value, list), tuple(sorted(options.items())))
    return to_nice_yaml(data, *arguments, **options)


_SCALARS = (str, int, bool, type(None))


@lru_cache(maxsize=4096)
def _scalar_entry(key: str, value: Any, _: str, options: tuple[tuple[str, Any], ...]) -> Any:
    """One entry as YAML. The type tells ``1`` from ``True``."""
    return to_nice_yaml({key: value}, **dict(options))


@lru_cache(maxsize=256)
def _empty_entry(key: str, is_list: bool, options: tuple[tuple[str, Any], ...]) -> Any:
    """One entry as YAML that is an empty list or map."""
    return to_nice_yaml({key: [] if is_list else {}}, **dict(options))


def _parsed(path: Path) -> dict[str, Any]:
    return dict(parse_own_yaml(path.read_text(encoding="utf-8")))
