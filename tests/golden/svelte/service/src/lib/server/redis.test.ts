import { expect, test, vi } from "vitest";
import { isReachable } from "./redis.ts";

test("no Redis is reachable where none is configured", async () => {
  expect(await isReachable({})).toBe(false);
});

test("a Redis that is away is not reachable", async () => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  for (const address of ["redis://:secret@127.0.0.1:1/3", "secret"]) {
    expect(await isReachable({ REDIS_URL: address })).toBe(false);
  }
  expect(JSON.stringify(write.mock.calls)).not.toContain("secret");
  write.mockRestore();
});
