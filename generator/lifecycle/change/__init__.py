"""Changes of services that exist: from what people ask for to the wanted answers, and what follows from them."""

from generator.lifecycle.change.plan import Begun, Wish, begin, change_of, contents, look
from generator.lifecycle.change.progress import Progress, observe_with, under_way

__all__ = ["Begun", "Progress", "Wish", "begin", "change_of", "contents", "look", "observe_with", "under_way"]
