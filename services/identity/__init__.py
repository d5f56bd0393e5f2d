"""Identity: the OpenID provider of every channel."""
