/** Brings the database up to date, before a new version starts. */

import { main } from "../src/lib/server/migrate.ts";

process.exitCode = await main(process.env);
