"""How well a policy drives and plans: closed-loop scores from recorded drives, open-loop metrics from data sets."""
