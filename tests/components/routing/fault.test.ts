import assert from "node:assert/strict";
import { ENVOY_FILTERS } from "../../../components/envoyFilters";
import { faultPatches } from "../../../components/routing/fault";
import { plain, stack } from "../../support/stacks";

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

/** What a fault sets on the service's first route. */
function onRoute(fault: unknown): unknown {
  const [, route] = patches(fault);
  return plain(route?.patch.value);
}

describe("components/fault", () => {
  it("inserts a filter right before the router, off unless a route turns it on", () => {
    const [filter] = patches({ abort: { status: 503 } });
    assert.deepEqual(filter, {
      applyTo: "HTTP_FILTER",
      match: {
        context: "GATEWAY",
        listener: {
          portNumber: 443,
          filterChain: {
            filter: {
              name: "envoy.filters.network.http_connection_manager",
              subFilter: { name: "envoy.filters.http.router" },
            },
          },
        },
      },
      patch: {
        operation: "INSERT_BEFORE",
        value: { name: "unified-gateway.fault", disabled: true, typed_config: { "@type": TYPE } },
      },
    });
  });

  it("sets the fault only on the service's rules", () => {
    const [, ...routes] = patches({ abort: { status: 503 } });
    assert.deepEqual(
      routes.map(({ applyTo, match, patch }) => [applyTo, match.routeConfiguration, patch.operation]),
      ["web--api", "web--root"].map((name) => [
        "HTTP_ROUTE",
        { portNumber: 443, vhost: { name: "web.example.test:443", route: { name, action: "ROUTE" } } },
        "MERGE",
      ]),
    );
  });

  it("delays, aborts, or does both, with the share of each", () => {
    const delay = { fixed_delay: "90s", percentage: { numerator: 10, denominator: "HUNDRED" } };
    const abort = { http_status: 418, percentage: { numerator: 100, denominator: "HUNDRED" } };
    const set = (fault: object) => ({
      typed_per_filter_config: { "unified-gateway.fault": { "@type": TYPE, ...fault } },
    });
    assert.deepEqual(onRoute({ delay: { duration: "1m30s", percent: 10 } }), set({ delay }));
    assert.deepEqual(onRoute({ abort: { status: 418 } }), set({ abort }));
    assert.deepEqual(
      onRoute({ delay: { duration: "1m30s", percent: 10 }, abort: { status: 418 } }),
      set({ delay, abort }),
    );
  });

  it("does the same for gRPC", () => {
    const services = [{ name: "calls", namespace: "apps", protocol: "grpc", fault: { abort: { status: 503 } } }];
    const [, route] = faultPatches(stack({ services }).services);
    assert.match(JSON.stringify(route), /"name":"calls--root".*"http_status":503/);
  });

  it("creates nothing if no service has a fault", () => {
    assert.deepEqual(patches(undefined), []);
  });

  it("aborts before the body is buffered: applied before the limits, so in front of their filter", () => {
    const place = (name: string) => ENVOY_FILTERS.findIndex((entry) => entry.name === name);
    assert.ok(place("fault") < place("limits"));
  });
});
