"""newservice: from a few answers to a service that is really there."""

__version__ = "0.1.0"
