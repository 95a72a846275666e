"""What is served to others while it goes on: ``live_page`` shows a drive in a browser on this machine."""
