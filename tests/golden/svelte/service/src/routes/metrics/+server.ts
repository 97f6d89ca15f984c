import { exposition } from "#lib/server/metrics.ts";

/** Metrics in Prometheus' text format. */
export const GET = exposition;
