"""Words out: why the car does what it does, and answers to questions about what it sees."""
