import { expect, test } from "vitest";
import { connectionArguments, isReachable } from "./database.ts";

test("the connection comes from the environment", () => {
  const environment = {
    UNRELATED: "x",
    DATABASE_URL: "dsn",
  };
  expect(connectionArguments(environment)).toEqual({
    connectionString: "dsn",
  });
});

test("no database is reachable where none is configured", async () => {
  expect(await isReachable({})).toBe(false);
});

test("a database that is away is not reachable", async () => {
  const environment = {
    DATABASE_URL: "postgresql://user:pass@127.0.0.1:1/name",
  };
  expect(await isReachable(environment)).toBe(false);
});
