import assert from "node:assert/strict";
import { faultPatches } from "../../../components/routing/fault";
import { filterMap } from "../../support/filterMap";
import { stack } from "../../support/stacks";

const TYPE = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";

const patches = (fault: unknown) =>
  faultPatches(
    stack({
      services: [
        { name: "web", namespace: "apps", paths: ["/", "/api"], fault },
        { name: "free", namespace: "apps" },
      ],
    }).services,
  );

const map = (fault: unknown) => filterMap(patches(fault), "fault");

describe("components/fault", () => {
  it("acts only on the service's rules", () => {
    const { filters, otherwise } = map({ abort: { status: 503 } });
    assert.deepEqual(Object.keys(filters), ["web--api", "web--root"]);
    assert.equal(otherwise, undefined);
  });

  it("delays, aborts, or does both, with the share of each", () => {
    const delay = { fixed_delay: "90s", percentage: { numerator: 10, denominator: "HUNDRED" } };
    const abort = { http_status: 418, percentage: { numerator: 100, denominator: "HUNDRED" } };
    const onRule = (fault: unknown) => map(fault).filters["web--root"];
    assert.deepEqual(onRule({ delay: { duration: "1m30s", percent: 10 } }), { "@type": TYPE, delay });
    assert.deepEqual(onRule({ abort: { status: 418 } }), { "@type": TYPE, abort });
    assert.deepEqual(onRule({ delay: { duration: "1m30s", percent: 10 }, abort: { status: 418 } }), {
      "@type": TYPE,
      delay,
      abort,
    });
  });

  it("does the same for gRPC", () => {
    const services = [{ name: "calls", namespace: "apps", protocol: "grpc", fault: { abort: { status: 503 } } }];
    const { filters } = filterMap(faultPatches(stack({ services }).services), "fault");
    assert.deepEqual(Object.keys(filters), ["calls--root"]);
    assert.match(JSON.stringify(filters), /"http_status":503/);
  });

  it("creates nothing if no service has a fault", () => {
    assert.deepEqual(patches(undefined), []);
  });
});
