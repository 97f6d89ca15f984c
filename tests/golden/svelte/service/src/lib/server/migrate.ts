/** Migrations: files of SQL that are applied once each, in the order of their names. */

import { readdir, readFile } from "node:fs/promises";
import { Client } from "pg";
import { connectionArguments } from "./database.ts";
import { log } from "./log.ts";

const FOLDER = "migrations";

const LOCK = "SELECT pg_advisory_lock(hashtext('schema_migrations'))";
const NOTED = "INSERT INTO schema_migrations (name) VALUES ($1)";

type Run = (sql: string, values?: string[]) => Promise<Row[]>;
type Row = { name?: string };

/** Applies the new files of a folder through `run`, and returns their names; throws where one fails. */
export async function migrate(folder: string, run: Run): Promise<string[]> {
  await run(LOCK); // ends with the connection; a second process waits for it
  await run(
    "CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR(255) PRIMARY KEY)",
  );
  const rows = await run("SELECT name FROM schema_migrations");
  const applied = new Set(rows.map(({ name }) => name));
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql"));
  const fresh = files.filter((name) => !applied.has(name)).sort();
  for (const name of fresh) {
    const sql = await readFile(`${folder}/${name}`, "utf8");
    await run("BEGIN"); // a file that fails leaves nothing behind
    await run(sql);
    await run(NOTED, [name]);
    await run("COMMIT");
    log.info("migrated", { file: name });
  }
  return fresh;
}

/** Migrates the database that the environment names; returns the exit code, and logs why it is not 0. */
export async function main(
  environment: Record<string, string | undefined>,
): Promise<number> {
  const given = connectionArguments(environment);
  if (Object.keys(given).length === 0) {
    log.error("no database is configured");
    return 1;
  }
  try {
    await connected(given, (run) => migrate(FOLDER, run));
    return 0;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    log.error("migration failed", { code, error: message });
    return 1;
  }
}

/** Does something through a connection that is closed afterwards. */
async function connected(
  given: object,
  act: (run: Run) => Promise<unknown>,
): Promise<void> {
  const client = new Client(given);
  try {
    await client.connect();
    await act(async (sql, values) => (await client.query(sql, values)).rows);
  } finally {
    await client.end();
  }
}
