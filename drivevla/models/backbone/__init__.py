"""A pretrained language model in the place of fusion: it reads the sensors' tokens as if they were words."""
