"""Every parser of text that others wrote, given texts that nobody would write."""
