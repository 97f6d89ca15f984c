/** Prometheus metrics of the process and of the requests. */

import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
} from "prom-client";

const registry = new Registry();
collectDefaultMetrics({ register: registry });

new Gauge({
  name: "build_info",
  help: "The version that runs.",
  labelNames: ["version"],
  registers: [registry],
}).set({ version: process.env.VERSION ?? "dev" }, 1);

const requests = new Counter({
  name: "http_requests_total",
  help: "Requests answered.",
  labelNames: ["method", "route", "status"],
  registers: [registry],
});

const duration = new Histogram({
  name: "http_request_duration_seconds",
  help: "Time to answer.",
  labelNames: ["method", "route"],
  registers: [registry],
});

/** Count a request under its route, not its path: paths are without number. */
export function count(
  method: string,
  route: string | null,
  status: number,
  seconds: number,
): void {
  const labels = route
    ? { method, route }
    : { method: "other", route: "unmatched" };
  requests.inc({ ...labels, status });
  duration.observe(labels, seconds);
}

/** All metrics in Prometheus' text format. */
export async function exposition(): Promise<Response> {
  const headers = { "content-type": registry.contentType };
  return new Response(await registry.metrics(), { headers });
}
