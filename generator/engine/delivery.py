"""What CI makes of one commit on this platform, as the answers declare it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator.template.answers import DeclaredDelivery

if TYPE_CHECKING:  # importing the clients takes a while
    from generator.clients.woodpecker import Pipeline


@dataclass(frozen=True)
class Delivery:
    """How one commit is delivered: the workflow that builds it, its images, their tags, and its pipeline's variables.

    ``image`` is the service's own, ``further`` are those that are built and deployed with it.
    ``variables`` are those of this commit's deploy pipeline; ``fixed`` are those that are the same for every commit.
    """

    workflow: str | None
    image: str
    tags: tuple[str, ...]
    variables: Mapping[str, str]
    fixed: Mapping[str, str]
    further: tuple[str, ...] = ()

    @classmethod
    def of(cls, declared: DeclaredDelivery, sha: str) -> Delivery:
        """The delivery of a commit."""
        variables = {name: text.format(sha=sha) for name, text in declared.variables.items()}
        return cls(
            workflow=declared.workflow,
            image=declared.image,
            tags=tuple(tag.format(sha=sha) for tag in declared.tags),
            variables=variables,
            fixed={name: text for name, text in variables.items() if text == declared.variables[name]},
            further=declared.further,
        )

    @property
    def each(self) -> tuple[Delivery, ...]:
        """The same for each image alone."""
        return tuple(replace(self, image=image, further=()) for image in (self.image, *self.further))

    def deploys(self, variables: Mapping[str, str]) -> bool:
        """Whether a pipeline with these variables deploys this commit."""
        return bool(self.variables) and all(variables.get(name) == text for name, text in self.variables.items())

    def rivals(self, variables: Mapping[str, str]) -> bool:
        """Whether a pipeline with these variables deploys another image of the same service."""
        named = all(variables.get(name) for name in self.variables)
        same = all(variables.get(name) == text for name, text in self.fixed.items())
        return named and same and not self.deploys(variables)


def own_pipeline(pipelines: Iterable[Pipeline], delivery: Delivery) -> Pipeline | None:
    """The newest pipeline that deploys the commit's image."""
    found = [item for item in pipelines if delivery.deploys(item.variables)]
    return max(found, key=lambda item: item.number, default=None)
