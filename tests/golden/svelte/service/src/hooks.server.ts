import type {
  Handle,
  HandleServerError,
  ServerInit,
} from "@sveltejs/kit/hooks";
import { captureConsole, log } from "#lib/server/log.ts";
import { count } from "#lib/server/metrics.ts";

/** Probes and scrapes that went well are not worth a line. */
const QUIET = ["/healthz", "/metrics", "/readyz"];

/** Runs once, before the first request. */
export const init: ServerInit = () => {
  captureConsole();
  log.info("started", { version: process.env.VERSION ?? "dev" });
  process.on("sveltekit:shutdown", (reason) => log.info("stopped", { reason }));
};

/** Logs and counts each request. */
export const handle: Handle = async ({ event, resolve }) => {
  const started = performance.now();
  const response = await resolve(event);
  const milliseconds = performance.now() - started;

  const { method } = event.request;
  const { status } = response;
  const route = event.route.id;
  count(method, route, status, milliseconds / 1000);
  if (status >= 400 || !QUIET.includes(route ?? "")) {
    const path = event.url.pathname;
    const ms = Math.round(milliseconds);
    log.info("request", { method, path, status, ms });
  }
  return response;
};

/** Logs an error that no code expected, with its stack; visitors see none of it. */
export const handleError: HandleServerError = ({ kind, error, event }) => {
  if (kind !== "unknown") return;
  const exception = error instanceof Error ? error.stack : String(error);
  log.error("failed", { path: event.url.pathname, exception });
};
