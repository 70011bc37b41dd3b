import { rootHooks } from "../../support/rootHooks";
import { bringUp, listDifferences, takeDown } from "./suite";

export const mochaHooks = rootHooks(bringUp, () => {
  listDifferences();
  takeDown();
});
