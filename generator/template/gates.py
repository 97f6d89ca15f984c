"""Stub."""
def losses(template, questions, before, after): return ()
def openings(template, questions, before, after): return ()
def check_gates(losses, openings, accepted, opened): return None
