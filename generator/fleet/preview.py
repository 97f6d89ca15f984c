"""What an unreleased template would do to the fleet: every update is planned, nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from jinja2 import TemplateError

from generator.base.errors import NewserviceError, UsageError
from generator.fleet.findings import Finding, Place, State, in_order
from generator.fleet.fleet import AT_ONCE, Fleet, chunks
from generator.fleet.planning import notes_of, upgrade_of
from generator.fleet.pool import mapped
from generator.fleet.source import Source
from generator.fleet.tree_status import guarded, recorded_only
from generator.lifecycle.update import Upgrade, Upgrader
from generator.template.files import ANSWERS_FILE
from generator.template.template import Template

FEW_PREVIEWS = 4
"""The number of trees from which a second process pays off."""


def preview(fleet: Fleet, template: Template, report: Callable[[Finding], None]) -> list[Finding]:
    """Every selected tree with what the template would do to it: clean, changed, conflict, asks or broken.

    Each finding is passed to ``report`` as well."""
    pairs: list[tuple[Place, Source]] = [(place, fleet.infra) for place in fleet.stacks]
    fleet.infra.snapshot.load_stacks(place.prefix for place in fleet.stacks)
    found = list(_previewed(fleet, template, pairs))
    owned = fleet.owned(recorded for recorded in fleet.recorded())
    for chunk in chunks(owned, AT_ONCE):
        with fleet.opened(chunk) as opened:
            found += [source for _, source in opened if isinstance(source, Finding)]
            found += _previewed(fleet, template, [(p, source) for p, source in opened if isinstance(source, Source)])
    ordered = in_order(found)
    for finding in ordered:
        report(finding)
    return ordered


def check_preview(template: Template) -> None:
    """Raise ``UsageError`` for a folder that is not a template."""
    if not (template.root / "copier.yml").is_file():
        raise UsageError(
            "template.not_found", f"{template.root} has no copier.yml", "name a folder with copier.yml and templates/"
        )


def _previewed(fleet: Fleet, template: Template, pairs: Sequence[tuple[Place, Source]]) -> Iterator[Finding]:
    yield from mapped(partial(_preview, fleet.upgrader, template), pairs, fleet.jobs, FEW_PREVIEWS)


def _preview(upgrader: Upgrader, template: Template, pair: tuple[Place, Source]) -> Finding:
    place, source = pair
    return guarded(place, partial(_looked_at, upgrader, template, place, source))


def _looked_at(upgrader: Upgrader, template: Template, place: Place, source: Source) -> Finding:
    finding = recorded_only(upgrader, place, source.snapshot)
    if finding.state not in (State.CURRENT, State.BEHIND):
        return finding
    finding = Finding(place, State.CURRENT, finding.version, template.version)
    try:
        upgraded = upgrade_of(upgrader, source, finding, template)
    except (TemplateError, KeyError, TypeError, ValueError) as error:
        message = f"the template can't be rendered for it: {type(error).__name__}: {error}"
        return finding.but(State.BROKEN, message=message)
    except NewserviceError as error:
        return finding.but(State.BROKEN, message=error.message)
    return upgraded if isinstance(upgraded, Finding) else _clean_or_changed(finding, upgraded)


def _clean_or_changed(finding: Finding, upgraded: Upgrade) -> Finding:
    """Clean if nothing changes except what the answers file records."""
    notes = tuple(note for note in notes_of(upgraded) if not note.path.endswith(ANSWERS_FILE))
    return finding.but(State.CHANGED if notes else State.CLEAN, files=notes)
