"""What each remote call does, by subject."""
