"""What has to be there before anything is written: looked at, never changed."""

from generator.doctor.examination import examine
from generator.doctor.preflight import preflight, require

__all__ = ["examine", "preflight", "require"]
