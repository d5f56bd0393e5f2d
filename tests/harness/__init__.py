"""Real servers and a whole running platform for the tests. No test is here."""
