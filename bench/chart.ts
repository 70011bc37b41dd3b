import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import type { Lab } from "../lab/lab";
import { timed, type Cost } from "./clock";
import { FOLDER, type Manifest } from "./stacks";

/** The service whose objects become templates; the objects of the other services are rendered from these. */
const MODEL = /service-0(?!\d)/;
const ANY_SERVICE = /service-\d+/;
const TIMEOUT = "3s";

/** A Helm chart that renders a stack's objects, for any number of services. */
export class Chart {
  private constructor(
    private readonly lab: Lab,
    private readonly name: string,
    private readonly helm: string,
  ) {}

  /** @param objects The objects of a stack of `stackValues`. */
  static make(lab: Lab, name: string, objects: readonly Manifest[]): Chart {
    const chart = new Chart(lab, name, lab.tools.programs.helm);
    mkdirSync(join(chart.folder, "templates"), { recursive: true });
    writeFileSync(join(chart.folder, "Chart.yaml"), stringify({ apiVersion: "v2", name, version: "0.1.0" }));
    writeFileSync(join(chart.folder, "templates", "gateway.yaml"), template(objects));
    return chart;
  }

  /** Times `helm template`. */
  time(services: number): Promise<Cost> {
    return timed(this.lab, this.command(services));
  }

  /** The objects that it renders. */
  async objects(services: number): Promise<Manifest[]> {
    const said = await this.lab.output(this.command(services));
    return parseAllDocuments(said).map((document) => document.toJS() as Manifest);
  }

  private get folder(): string {
    return join(FOLDER, `chart-${this.name}`);
  }

  private command(services: number): string[] {
    const values = join(FOLDER, `values-${this.name}-${services}.yaml`);
    writeFileSync(values, stringify(chartValues(services)));
    return [this.helm, "template", this.name, this.folder, "--values", values];
  }
}

export function chartValues(services: number): object {
  const names = Array.from({ length: services }, (_, index) => `service-${index}`);
  return { services: names.map((name) => ({ name, timeout: TIMEOUT })) };
}

/** One template for all objects: it loops over services for their objects, and for their entries in the gateway's objects. */
export function template(objects: readonly Manifest[]): string {
  const ofServices = objects.filter(({ metadata }) => ANY_SERVICE.test(metadata.name));
  const ofGateway = objects.filter((object) => !ofServices.includes(object));
  const models = ofServices.filter(({ metadata }) => MODEL.test(metadata.name));
  return [
    ...ofGateway.map((object) => `---\n${withLoop(object)}`),
    loop(models.map((model) => `---\n${placeholders(stringify(model))}`).join("")),
  ].join("");
}

const loop = (body: string) => `{{- range .Values.services }}\n${body}{{- end }}\n`;

const placeholders = (text: string) =>
  text
    .replaceAll(new RegExp(MODEL, "g"), "{{ .name }}")
    .replaceAll(`request: ${TIMEOUT}\n`, "request: {{ .timeout }}\n");

/** An object of the gateway whose maps have an entry for each service: the model's is what the loop repeats. */
function withLoop(object: Manifest): string {
  const text = stringify(object, (_, value: unknown) => (isMap(value) ? withoutOthers(value) : value));
  return text.replaceAll(ENTRY, (entry) => loop(placeholders(entry)));
}

/** The entry of the model in a map: its key, and all lines that are indented deeper. */
const ENTRY = new RegExp(String.raw`^( +)\S*${MODEL.source}.*:.*\n(?:\1 .*\n)*`, "gm");

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutOthers(map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !ANY_SERVICE.test(key) || MODEL.test(key)));
}

/** Fails if two lists do not contain the same objects. */
export function sameObjects(actual: readonly Manifest[], expected: readonly Manifest[]): void {
  const byName = (objects: readonly Manifest[]) =>
    Object.fromEntries(
      objects.map((object) => [[object.kind, object.metadata.namespace ?? "", object.metadata.name].join("/"), object]),
    );
  assert.deepEqual(byName(actual), byName(expected), "the chart's objects differ from the program's");
}
