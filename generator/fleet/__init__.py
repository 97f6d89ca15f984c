"""Every service that newservice ever made: where it stands, and bringing all of them to a newer template."""
