import * as database from "#lib/server/database.ts";
import * as redis from "#lib/server/redis.ts";

/** Whether the database and Redis answer too. */
export async function GET(): Promise<Response> {
  if (!(await database.isReachable(process.env))) return away("database");
  if (!(await redis.isReachable(process.env))) return away("redis");
  return Response.json({ status: "ok" });
}

function away(what: string): Response {
  return Response.json({ status: `${what} unreachable` }, { status: 503 });
}
