/** What the image runs: the built server, which lets a transfer take as long as it needs, and stops in two steps. */

import { server } from "../build/index.js";

// Node.js would cut a request off whose body takes more than five minutes. Headers and idle connections have limits, which
// it looks at every half a minute.
server.requestTimeout = 0;
server.headersTimeout = 10_000;

// The cluster sends requests for a moment after its signal to end. Only then is no new connection taken.
const drain = Number(process.env.DRAIN_SECONDS ?? "5");
const stops = process.listeners("SIGTERM");
process.removeAllListeners("SIGTERM");
process.once("SIGTERM", (signal) => {
  // A client that kept its connection would lose the request that it sends while the server closes it.
  server.prependListener("request", (_, answer) => {
    answer.setHeader("Connection", "close");
  });
  setTimeout(() => stops.forEach((stop) => stop(signal)), drain * 1000);
});
