"""DriveLM's questions and answers, on the keyframes of nuScenes."""

from drivevla.datasets.drivelm.questions import WithQuestions, read_questions

__all__ = ["WithQuestions", "read_questions"]
