"""The report of an open-loop evaluation: the judged policy among its baselines, by group, and where it fails worst."""
