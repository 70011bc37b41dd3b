import { serve, type Plugin } from "../server";
import { check, connect, create, destroy, diff, read, update } from "./operations";
import { checkSettings, settingsDifference } from "./settings";

/**
 * Stand-in for @pulumi/kubernetes 4.34.2, lab only: objects of any kind, patches, and rendering. It does as the official provider
 * with server-side apply; `npm run test:contract` holds the two together. Not covered, and refused: generated names, charts and
 * YAML files, jsonpath in `pulumi.com/waitFor`, and client-side apply.
 */
const plugin: Plugin = {
  version: "4.34.2",
  supportsPreview: true,
  acceptSecrets: true,
  checkConfig: checkSettings,
  diffConfig: settingsDifference,
  configure: connect,
  check,
  diff,
  create,
  update,
  read,
  delete: destroy,
};

serve(plugin);
