"""NAVSIM's PDM score, versions 1.1 and 2 (one stage, log replay), with its simulator: a tracker and a bicycle model."""
