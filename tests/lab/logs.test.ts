import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogServer, LogTimes } from "../../lab/node/logs";

describe("lab/node/logs", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "logs-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("finds where the lines since a time begin, without leaving any out", () => {
    const times = new LogTimes();
    const file = join(folder, "a");
    const look = (at: number) => times.note([file], at);
    look(1000);
    writeFileSync(file, "1234");
    look(2000);
    look(3000);
    appendFileSync(file, "5678");
    look(4000);
    assert.deepEqual(
      [0, 1999, 2000, 3999, 4000, 9000].map((since) => times.offset(file, since)),
      [0, 0, 4, 4, 8, 8],
    );
    times.note([], 5000);
    assert.equal(times.offset(file, 9000), 0);
  });

  describe("a server", () => {
    let server: Server;
    let written: string[];
    let url: string;
    beforeEach(async () => {
      writeFileSync(join(folder, "pod-apps-web-1-c.log"), "one\ntwo\nthree\n");
      written = ["pod-apps-web-1-c.log"];
      server = createServer(new LogServer(folder, () => written).handle);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => server.close());

    const get = async (path: string) => {
      const response = await fetch(`${url}${path}`);
      return [response.status, await response.text()];
    };

    it("sends a log, or its last lines", async () => {
      assert.deepEqual(await get("/containerLogs/apps/web-1/c"), [200, "one\ntwo\nthree\n"]);
      assert.deepEqual(await get("/containerLogs/apps/web-1/c?tailLines=2&sinceTime=1970-01-01T00:00:00Z"), [
        200,
        "two\nthree\n",
      ]);
      assert.deepEqual(await get("/containerLogs/apps/web-1/c?tailLines=0"), [200, ""]);
    });

    it("follows a log until its container ends", async () => {
      const answer = get("/containerLogs/apps/web-1/c?follow=true&tailLines=1");
      setTimeout(() => {
        appendFileSync(join(folder, "pod-apps-web-1-c.log"), "four\n");
        written = [];
      }, 100);
      assert.deepEqual(await answer, [200, "three\nfour\n"]);
    });

    it("refuses what it does not support, and finds nothing outside the folder", async () => {
      assert.deepEqual(await get("/containerLogs/apps/web-1/c?previous=true"), [
        400,
        "the lab's nodes do not support previous\n",
      ]);
      assert.deepEqual(await get("/exec/apps/web-1/c"), [404, "the lab's nodes do not support /exec/apps/web-1/c\n"]);
      assert.deepEqual(await get("/containerLogs/apps/web-1/d"), [404, "d has no log yet\n"]);
      assert.equal((await get("/containerLogs/apps/web-1/..%2Fc"))[0], 404);
    });
  });
});
