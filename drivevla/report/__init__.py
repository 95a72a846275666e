"""What a person looks at: films of drives; later reports of runs."""

from drivevla.report.film import Film, drive_picture

__all__ = ["Film", "drive_picture"]
