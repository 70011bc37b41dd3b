import { UserError } from "../processes";
import { readState } from "../state";
import { DEFAULT_ISTIO, ISTIO_VERSIONS, type IstioVersion } from "./catalogue";

/** Names the version of Istio for every command. */
const VARIABLE = "LAB_ISTIO";

/** The lab's Istio: the one that the variable names, or that of the running lab, or the default. @throws UserError */
export function chosenIstio(
  env: NodeJS.ProcessEnv = process.env,
  running: () => IstioVersion | undefined = () => readState()?.istio,
): IstioVersion {
  const { [VARIABLE]: named = "" } = env;
  return named === "" ? (running() ?? DEFAULT_ISTIO) : istioVersion(named, VARIABLE);
}

/** @throws UserError if the lab has no such version; `source` says where it comes from. */
export function istioVersion(text: string, source: string): IstioVersion {
  if (!Object.hasOwn(ISTIO_VERSIONS, text)) {
    throw new UserError(`${source} is ${text}, expected ${Object.keys(ISTIO_VERSIONS).join(" or ")}`);
  }
  return text as IstioVersion;
}
