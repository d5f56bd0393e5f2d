"""Pure rules of the gateway: sessions and sign-in transactions, forms from schemas, the words of a case page."""
