"""What has to be there before anything is written: looked at, never changed."""

from generator.lifecycle.doctor.examination import examine
from generator.lifecycle.doctor.preflight import preflight, require

__all__ = ["examine", "preflight", "require"]
