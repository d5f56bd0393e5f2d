"""The front door: browser sessions, the pages of every surface, live updates, the API edge."""
