"""Remove what newservice created and no one has changed since: observe everything, show the plan, carry it out."""
