"""The owner's manual, rule by rule, and the generated evidence for each: ``rules.yml`` is the list."""
