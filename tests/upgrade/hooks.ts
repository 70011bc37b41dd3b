import { NEXT_ISTIO } from "../../lab/tools/catalogue";
import { bringUp, takeDown } from "../e2e/support/lab";
import { rootHooks } from "../support/rootHooks";

export const mochaHooks = rootHooks(() => bringUp([NEXT_ISTIO]), takeDown);
