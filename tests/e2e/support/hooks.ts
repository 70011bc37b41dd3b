import { rootHooks } from "../../support/rootHooks";
import { bringUp, takeDown } from "./lab";

export const mochaHooks = rootHooks(() => bringUp(), takeDown);
