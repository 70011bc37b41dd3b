import type { Lab } from "../../lab/lab";
import { admin, served } from "../dataPlane/memory";
import { residentOf } from "../dataPlane/processes";
import { apply, gatewayEnvoy, startBackend } from "../dataPlane/proxies";
import type { Results } from "../figure";
import type { Options } from "../options";
import { changedAccess, changedRoute, changes } from "./changes";
import {
  applyBackends,
  CONTENDERS,
  GATEWAYS,
  objectsOf,
  prepareContenders,
  remove,
  type Contender,
} from "./contenders";
import { scaleFigures, scalePlots, scaleTables } from "./figures";
import { freshIstiod, rested } from "./istiod";
import { countsOf } from "./objects";
import { requests } from "./requests";
import type { ScaleSample } from "./sample";

/** Many services with every policy against as many plain routes: a change, a request, memory, and the objects. */
export async function scale(lab: Lab, options: Options): Promise<Results> {
  options.progress("scale: gateways, backend");
  await prepareContenders(lab);
  await startBackend(lab);
  const samples: ScaleSample[] = [];
  for (const services of options.sizes) {
    await applyBackends(lab, services);
    for (const contender of CONTENDERS) {
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
async function measured(lab: Lab, contender: Contender, services: number, options: Options): Promise<ScaleSample> {
  const { pairs } = options;
  const progress = (text: string) => options.progress(`${contender}, ${services} services: ${text}`);
  progress("rendering");
  const objects = await objectsOf(lab, contender, services);
  const istiod = await freshIstiod(lab);
  progress(`applying ${objects.length} objects`);
  await apply(lab, objects);
  const envoy = await gatewayEnvoy(lab, GATEWAYS[contender]);
  const deployed = { contender, services, objects, istiod, envoy };
  const memory = await served(envoy, services);
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
    requests: ours ? await requests(lab, deployed, pairs, progress) : undefined,
  };
  await remove(lab, contender, objects);
  return sample;
}
