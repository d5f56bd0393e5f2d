"""notify: citizens' messages, departments' webhook subscriptions."""
