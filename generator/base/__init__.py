"""What every package may use: errors, secrets, files, memoization, parallel work. No domain terms, no outside systems.

May import nothing else of newservice.
"""
