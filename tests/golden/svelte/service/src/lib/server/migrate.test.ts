import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { main, migrate } from "./migrate.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "migrations-"));
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

test("new files are applied in order, each once", async () => {
  for (const name of ["002.sql", "001.sql", "003.sql", "README.md"]) {
    await writeFile(join(folder, name), `-- ${name}`);
  }
  const ran: string[] = [];
  const run = async (sql: string, values: string[] = []) => {
    ran.push([sql, ...values].join(" "));
    return sql.startsWith("SELECT name") ? [{ name: "001.sql" }] : [];
  };
  expect(await migrate(folder, run)).toEqual(["002.sql", "003.sql"]);
  const files = ran.filter((sql) => sql.startsWith("-- "));
  expect(files).toEqual(["-- 002.sql", "-- 003.sql"]);
  expect(ran.filter((sql) => sql.startsWith("INSERT"))).toHaveLength(2);
});

test("a file that fails is not noted, and none after it runs", async () => {
  await writeFile(join(folder, "001.sql"), "-- broken");
  await writeFile(join(folder, "002.sql"), "-- later");
  const ran: string[] = [];
  const run = async (sql: string) => {
    ran.push(sql);
    if (sql === "-- broken") throw new Error("syntax");
    return [];
  };
  await expect(migrate(folder, run)).rejects.toThrow("syntax");
  expect(ran.at(-1)).toBe("-- broken");
});

test("without a database there is nothing to migrate, and that is an error", async () => {
  expect(await main({})).toBe(1);
});
