/** The database connection. */

import { Client } from "pg";
import { log } from "./log.ts";

const TIMEOUT = 2000; // milliseconds

/** The client's argument: the variable that holds it. The password is rotated; a restart brings the new one. */
const VARIABLES = {
  connectionString: "DATABASE_URL",
};

type Environment = Record<string, string | undefined>;

/** The client's arguments that the environment holds; empty where no database is configured. */
export function connectionArguments(environment: Environment): Environment {
  const found = Object.entries(VARIABLES).flatMap(([argument, variable]) =>
    environment[variable] ? [[argument, environment[variable]]] : [],
  );
  return Object.fromEntries(found);
}

/** Whether the database answers a query; never throws for a database that is away. */
export async function isReachable(environment: Environment): Promise<boolean> {
  const given = connectionArguments(environment);
  if (Object.keys(given).length === 0) return false;
  try {
    await ask(given);
    return true;
  } catch (error) {
    const { code, name } = error as { code?: string; name: string };
    log.warning("database unreachable", { error: code ?? name }); // the text may hold the DSN
    return false;
  }
}

async function ask(given: Environment): Promise<void> {
  const client = new Client({
    ...(given as object),
    connectionTimeoutMillis: TIMEOUT,
    query_timeout: TIMEOUT,
  });
  client.on("error", () => {}); // reported by the call that it breaks
  try {
    await client.connect();
    await client.query("SELECT 1");
  } finally {
    await client.end();
  }
}
