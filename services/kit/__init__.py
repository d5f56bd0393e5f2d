"""What every service stands on: settings, database, outbox and inbox, broker, HTTP, security. No business noun here."""
