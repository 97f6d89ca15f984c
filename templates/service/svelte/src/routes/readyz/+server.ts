import { isReachable } from "#lib/server/database.ts";

/** Whether the database answers too. */
export async function GET(): Promise<Response> {
  if (await isReachable(process.env)) return Response.json({ status: "ok" });
  return Response.json({ status: "database unreachable" }, { status: 503 });
}
