"""Answers in words held against references: caption metrics, DriveLM's score, and our own slots and refusals."""
