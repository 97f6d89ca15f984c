"""The secrets of a service that exists: what is known of them, and writing them again."""
