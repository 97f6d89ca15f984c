"""The service's routes."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.metrics import MetricsMiddleware

log = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open what the service needs before the first request, close it after the last one."""
    log.info("started, version %s", app.version)
    yield
    log.info("stopped")


app = FastAPI(
    title="\"q\" 'a' `b` \\ \\n ${x} $${y} %{if z} {{ .w }} ${{ github.token }} [[ name ]] ]] [% v %] # // /* */ <b> | & * ! @ - : --- EOT 😀 é",
    description="\"q\" 'a' `b` \\ \\n ${x} $${y} %{if z} {{ .w }} ${{ github.token }} [[ name ]] ]] [% v %] # // /* */ <b> | & * ! @ - : --- EOT 😀 é",
    lifespan=lifespan,
)
app.add_middleware(MetricsMiddleware)


@app.get("/")
async def home() -> dict[str, str]:
    """What this is."""
    return {"title": app.title, "description": app.description, "docs": "/docs"}


@app.get("/healthz")
# where the stack's probe asks
@app.get("/health", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """Whether the process answers; says nothing about what it depends on."""
    return {"status": "ok"}


@app.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Metrics in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
