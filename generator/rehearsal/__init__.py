"""What Terraform would do: real Terraform, its state and its plan, with stand-ins for the providers.

``provider`` is the stand-in, ``layout`` lays out a stack with what it needs of the infra repository, ``worker`` runs
Terraform in a process of its own, ``changes`` reads its plan, and ``rehearsal`` does all of that for a stack before and
after a change. May import ``infra_repo`` and ``base``.
"""

from generator.rehearsal.changes import AttributeChange, Refusal, Rehearsal, ResourceChange
from generator.rehearsal.rehearsal import MISSING, Rehearsals, available

__all__ = ["MISSING", "AttributeChange", "Refusal", "Rehearsal", "Rehearsals", "ResourceChange", "available"]
