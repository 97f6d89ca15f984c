"""Prometheus metrics of the requests."""

import time
from http import HTTPMethod

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("http_request_duration_seconds", "Time to answer.", ["method", "route"])


class MetricsMiddleware:
    """Counts and times each request under its route, not its path: paths are without number."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noting_status)
        finally:
            route = getattr(scope.get("route"), "path", None)
            method = scope["method"] if scope["method"] in HTTPMethod.__members__ else "other"
            labels = (method, route) if route else ("other", "unmatched")
            REQUESTS.labels(*labels, status).inc()
            SECONDS.labels(*labels).observe(time.perf_counter() - started)
