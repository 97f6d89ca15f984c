"""Changes of services that exist: from what people ask for to the wanted answers, and what follows from them."""

from generator.lifecycle.change.checkouts import Checkout, find_checkouts, follow_branch
from generator.lifecycle.change.plan import Begun, Wish, begin, change_of, contents

__all__ = ["Begun", "Checkout", "Wish", "begin", "change_of", "contents", "find_checkouts", "follow_branch"]
