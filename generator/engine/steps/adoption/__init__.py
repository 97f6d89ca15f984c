"""The steps for a repository that people began: its history comes to Forgejo, it is marked, and gets what CI needs."""
