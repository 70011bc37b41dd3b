import type { Lab } from "../../lab/lab";
import { admin } from "../dataPlane/memory";
import { residentOf } from "../dataPlane/processes";
import { startBackend } from "../dataPlane/proxies";
import type { Results } from "../figure";
import type { Options } from "../options";
import { changedAccess, changedRoute, changes } from "./changes";
import {
  applyBackends,
  CONTENDERS,
  create,
  objectsOf,
  prepareContenders,
  remove,
  type Deployed,
  type Measured,
  type Target,
} from "./contenders";
import { scaleFigures, scalePlots, scaleTables } from "./figures";
import { freshIstiod, rested } from "./istiod";
import { countsOf } from "./objects";
import { requests, type RequestCosts } from "./requests";
import type { ScaleSample } from "./sample";

/** Many services with every policy against as many plain routes: a change, a request, memory, and the objects. */
export async function scale(lab: Lab, options: Options): Promise<Results> {
  options.progress("scale: gateways, backend");
  await prepareContenders(lab);
  await startBackend(lab);
  const samples: ScaleSample[] = [];
  for (const services of options.sizes) {
    await applyBackends(lab, services);
    for (const contender of CONTENDERS.filter((one) => one !== "idle" || services === Math.max(...options.sizes))) {
      samples.push(await measured(lab, contender, services, options));
    }
  }
  return {
    figures: scaleFigures(samples),
    samples: { scale: samples },
    tables: scaleTables(samples),
    plots: scalePlots(samples),
  };
}

/** Only one contender is in the cluster at a time: istiod would push every change to both. */
async function measured(lab: Lab, contender: Measured, services: number, options: Options): Promise<ScaleSample> {
  const { pairs, sizes } = options;
  const [fewest, most] = [Math.min(...sizes), Math.max(...sizes)];
  const progress = (text: string) => options.progress(`${contender}, ${services} services: ${text}`);
  progress("rendering");
  const objects = await objectsOf(lab, contender, services);
  const istiod = await freshIstiod(lab);
  progress(`applying ${objects.length} objects`);
  const { envoy, memory } = await create(lab, contender, services, objects);
  const deployed = { contender, services, objects, istiod, envoy };
  progress(`istiod used ${(await rested(istiod)).toFixed(1)} s of CPU until all routes were there`);
  const counts = countsOf(objects, await admin(envoy, "config_dump?resource=dynamic_listeners"));
  const ours = contender === "gateway";
  const sample: ScaleSample = {
    contender,
    services,
    counts,
    envoy: memory,
    route: await changes(pairs, changedRoute(lab, deployed), (text) => progress(`route: ${text}`)),
    access: ours
      ? await changes(pairs, changedAccess(lab, deployed), (text) => progress(`access: ${text}`))
      : undefined,
    istiodResident: residentOf(istiod),
    requests:
      ours && services === most && fewest !== most ? await besideFew(lab, deployed, fewest, options) : undefined,
  };
  await remove(lab, contender, objects);
  return sample;
}

/** Requests to many services, alternating with requests to a gateway that has few. */
async function besideFew(
  lab: Lab,
  many: Deployed,
  fewest: number,
  { pairs, progress }: Options,
): Promise<RequestCosts[]> {
  await applyBackends(lab, fewest, "few");
  const objects = await objectsOf(lab, "few", fewest);
  const { envoy } = await create(lab, "few", fewest, objects);
  await rested(many.istiod);
  const few: Target = { contender: "few", services: fewest, envoy };
  const costs = await requests(lab, { few, many }, pairs, progress);
  await remove(lab, "few", objects);
  return costs;
}
