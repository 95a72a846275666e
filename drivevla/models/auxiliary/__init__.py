"""What a model is asked beside its plan while it learns, so that it looks at what matters; nothing of it drives."""
