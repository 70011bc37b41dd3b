import assert from "node:assert/strict";
import { sameObjects, template } from "../../bench/chart";
import type { Manifest } from "../../bench/stacks";

const object = (kind: string, name: string, spec: object): Manifest => ({
  apiVersion: "v1",
  kind,
  metadata: { name },
  spec,
});
const route = (name: string) => object("HTTPRoute", name, { host: `${name}.test`, timeouts: { request: "3s" } });

describe("bench/chart", () => {
  it("loops over services for their objects, and for their entries in the gateway's maps", () => {
    const entry = (name: string) => ({ [`${name}.g--0`]: { run: { prefix: name } } });
    const map = { ...entry("service-0"), ...entry("service-1"), ...entry("service-01"), rest: true };
    const objects = [object("Gateway", "g", {}), object("EnvoyFilter", "f", { patches: [{ map, after: 1 }] })];
    assert.deepEqual(template([...objects, route("service-0"), route("service-1")]).split("\n"), [
      "---",
      "apiVersion: v1",
      "kind: Gateway",
      "metadata:",
      "  name: g",
      "spec: {}",
      "---",
      "apiVersion: v1",
      "kind: EnvoyFilter",
      "metadata:",
      "  name: f",
      "spec:",
      "  patches:",
      "    - map:",
      "{{- range .Values.services }}",
      "        {{ .name }}.g--0:",
      "          run:",
      "            prefix: {{ .name }}",
      "{{- end }}",
      "        rest: true",
      "      after: 1",
      "{{- range .Values.services }}",
      "---",
      "apiVersion: v1",
      "kind: HTTPRoute",
      "metadata:",
      "  name: {{ .name }}",
      "spec:",
      "  host: {{ .name }}.test",
      "  timeouts:",
      "    request: {{ .timeout }}",
      "{{- end }}",
      "",
    ]);
  });

  it("detects differing objects, in any order", () => {
    const [a, b] = [route("a"), route("b")];
    sameObjects([a, b], [b, a]);
    assert.throws(() => sameObjects([a], [a, b]), /objects differ/);
    assert.throws(() => sameObjects([a, route("c")], [a, b]), /objects differ/);
  });
});
