"""newservice: from a few answers to a service that is really there."""
