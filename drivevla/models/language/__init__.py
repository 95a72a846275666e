"""Sentences to tokens. Nothing here knows what a sentence means; that is for the network to learn."""
