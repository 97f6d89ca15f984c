"""What must be in place before anything is written: read, never changed."""

from generator.lifecycle.doctor.examination import examine
from generator.lifecycle.doctor.preflight import preflight, require

__all__ = ["examine", "preflight", "require"]
