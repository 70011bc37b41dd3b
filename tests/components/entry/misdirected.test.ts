import assert from "node:assert/strict";
import { misdirectedPatches } from "../../../components/entry/misdirected";
import { stack } from "../../support/stacks";

const web = { name: "web", namespace: "apps" };

interface Filter {
  readonly header_filter?: {
    readonly header: {
      readonly string_match: { readonly safe_regex: { readonly regex: string } };
      readonly invert_match?: boolean;
    };
  };
  readonly and_filter?: { readonly filters: readonly Filter[] };
  readonly or_filter?: { readonly filters: readonly Filter[] };
}

/** Whether a filter of Envoy's access log, which a local reply has too, takes a host. */
function takes({ header_filter, and_filter, or_filter }: Filter, host: string): boolean {
  if (header_filter !== undefined) {
    const { string_match, invert_match = false } = header_filter.header;
    const regex = string_match.safe_regex.regex.replace("(?i)", "");
    return new RegExp(`^(?:${regex})$`, "i").test(host) !== invert_match;
  }
  return (
    and_filter?.filters.every((one) => takes(one, host)) ?? or_filter?.filters.some((one) => takes(one, host)) ?? false
  );
}

/** By listener, which of some hosts get 421 there. */
function misdirected(
  services: unknown[],
  hosts: readonly string[],
  more: Record<string, unknown> = {},
): Record<string, string[]> {
  const patches = misdirectedPatches(stack({ ...more, services }));
  return Object.fromEntries(
    patches.map(({ applyTo, match, patch }) => {
      assert.equal(applyTo, "NETWORK_FILTER");
      const { local_reply_config: config } = patch.value.typed_config as {
        local_reply_config: { mappers: { filter: Filter; status_code: number }[] };
      };
      const [mapper, ...others] = config.mappers;
      assert.ok(mapper && others.length === 0 && mapper.status_code === 421);
      return [match.listener?.filterChain?.sni ?? "", hosts.filter((host) => takes(mapper.filter, host))];
    }),
  );
}

describe("components/misdirected", () => {
  it("patches nothing for a single listener", () => {
    assert.deepEqual(misdirected([web], []), {});
  });

  it("answers 421 on each listener for what the others take, in any case and with any port, and for nothing else", () => {
    const own = { certificate: { type: "existing", secretName: "own" } };
    const services = [
      web,
      { ...web, name: "apex", host: "example.test" },
      { ...web, name: "deep", host: "a.b.example.test", ...own },
      { ...web, name: "asking", host: "ask.example.test", ...own },
    ];
    const hosts = [
      "web.example.test",
      "Example.Test:443",
      "a.b.example.test",
      "ask.example.test",
      "nobody.test",
      "x.nobody.test",
      "xexample.test",
    ];
    assert.deepEqual(misdirected(services, hosts), {
      "a.b.example.test": ["web.example.test", "Example.Test:443", "ask.example.test"],
      "ask.example.test": ["web.example.test", "Example.Test:443", "a.b.example.test"],
      "example.test": ["web.example.test", "a.b.example.test", "ask.example.test"],
      "*.example.test": ["Example.Test:443", "a.b.example.test", "ask.example.test"],
    });
  });

  it("leaves out hosts that a route brings to the listener anyway, but not those of its redirects", () => {
    // The second domain's apex is also one label below the first.
    const domains = { domain: undefined, domains: ["example.test", "eu.example.test"] };
    const hosts = ["web.example.test", "eu.example.test"];
    assert.deepEqual(misdirected([{ ...web, hosts }], hosts, domains), { "eu.example.test": ["web.example.test"] });
    const redirect = [{ ...web, hosts: ["web.example.test", { host: "eu.example.test", redirect: 301 }] }];
    assert.deepEqual(misdirected(redirect, hosts, domains), {
      "eu.example.test": ["web.example.test"],
      "*.example.test": ["eu.example.test"],
    });
  });

  it("does not take what nobody has for another listener's", () => {
    const services = [web, { ...web, name: "any", host: "*" }, { ...web, name: "apex", host: "example.test" }];
    assert.deepEqual(misdirected(services, ["nobody.test", "example.test"]), {
      "example.test": [],
      "*.example.test": ["example.test"],
    });
  });
});
