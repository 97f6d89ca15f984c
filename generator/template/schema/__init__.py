"""JSON Schema (draft 2020-12) of the answers, derived from the questions. Pure."""

from __future__ import annotations

from generator.template.schema.document import answers_schema

__all__ = ["answers_schema"]
