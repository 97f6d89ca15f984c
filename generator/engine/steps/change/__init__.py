"""The steps that change a service that exists: a commit in each repository that changes, and its pull request."""
