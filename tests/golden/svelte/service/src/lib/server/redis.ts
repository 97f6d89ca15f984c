/** The shared Redis: the index that REDIS_URL names is this service's own. */

import { createClient } from "@redis/client";
import { log } from "./log.ts";

const TIMEOUT = 2000; // milliseconds

type Environment = Record<string, string | undefined>;

/** A connected client, which the caller closes; throws where Redis is away. */
export async function connect(environment: Environment) {
  const client = createClient({
    url: environment.REDIS_URL,
    socket: {
      connectTimeout: TIMEOUT,
      socketTimeout: TIMEOUT,
      reconnectStrategy: false,
    },
  });
  client.on("error", () => {}); // reported by the call that it breaks
  return await client.connect();
}

/** Whether Redis answers; never throws for a Redis that is away. */
export async function isReachable(environment: Environment): Promise<boolean> {
  if (!environment.REDIS_URL) return false;
  try {
    const client = await connect(environment);
    try {
      await client.ping();
    } finally {
      client.destroy();
    }
    return true;
  } catch (error) {
    const { code, name } = error as { code?: string; name: string };
    log.warning("redis unreachable", { error: code ?? name }); // the text may hold the address
    return false;
  }
}
