"""HTTP of notify: a citizen's messages, departments' subscriptions."""

from services.notify.api import messages, subscriptions

ROUTERS = (messages.router, subscriptions.router)
