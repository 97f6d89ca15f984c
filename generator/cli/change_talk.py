"""``change`` with a person at the terminal: the recorded answers for review, the plan, and again until it is right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from generator.base.errors import ExitCode
from generator.cli.change import Service, change
from generator.cli.create import refuse_quiet
from generator.cli.session import Session
from generator.cli.talk import Agree, Begin, Person, report_stop
from generator.lifecycle.change import Wish
from generator.template.amendment import Amendment, same_answer
from generator.wizard import Conversation, Stopped, review_recorded


def talk(session: Session, service: Service) -> ExitCode:
    """Let the person review the recorded answers and change some; until a plan is carried out, or he stops.

    Raises what ``change`` raises once something was written.
    """
    refuse_quiet(session.options)
    begun = service.begun
    facts, recorded = begun.maker.split(begun.recorded)
    derived = begun.maker.derived(begun.recorded)
    conversation = review_recorded(begun.maker.template, begun.maker.questions, recorded, derived, facts)
    try:
        return Person(session, conversation).try_until_right(partial(_attempt, session, service, conversation))
    except Stopped:
        return report_stop(session)


def _attempt(
    session: Session, service: Service, conversation: Conversation, given: Mapping[str, Any], agree: Agree, begin: Begin
) -> ExitCode:
    """Plan and carry out what the person made of the answers. Maps and lists were edited whole."""
    before = conversation.interview.given
    questions = {question.name: question for question in service.begun.maker.questions}
    differing = {
        name: value for name, value in given.items() if name not in before or not same_answer(value, before[name])
    }
    whole = frozenset(name for name in differing if questions[name].structured)
    return change(session, service, Wish(Amendment(differing, replaced=whole)), agree, begin)
