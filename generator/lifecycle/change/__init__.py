"""Changes of services that exist: from what people ask for to the wanted answers, and what follows from them."""

from generator.lifecycle.change.checkouts import Checkout, find_checkouts, follow_branch
from generator.lifecycle.change.plan import Begun, Wish, begin, change_of, contents, look
from generator.lifecycle.change.progress import Progress, observe_with, under_way

__all__ = [
    "Begun",
    "Checkout",
    "Progress",
    "Wish",
    "begin",
    "change_of",
    "contents",
    "find_checkouts",
    "follow_branch",
    "look",
    "observe_with",
    "under_way",
]
