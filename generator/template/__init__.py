"""The template: its questions, answers, renderer, releases and schema.

May import base only.
"""
