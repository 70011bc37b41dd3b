import { serve, type Plugin, type Resource } from "../server";
import { constructConfigFile } from "./configFile";
import { check, connect, create, destroy, diff, read, update } from "./operations";
import {
  checkRelease,
  configureHelm,
  installRelease,
  readRelease,
  RELEASE,
  releaseDifference,
  uninstallRelease,
  upgradeRelease,
} from "./release";
import { checkSettings, readSettings, settingsDifference } from "./settings";

const isRelease = ({ type }: Resource) => type === RELEASE;

/**
 * Stand-in for @pulumi/kubernetes 4.34.2, lab only: objects of any kind, patches, rendering, YAML files on this machine, and charts
 * by Helm itself. It does as the official provider with server-side apply; `npm run test:contract` holds the two together. Not
 * covered, and refused: generated names, jsonpath in `pulumi.com/waitFor`, and client-side apply.
 */
const plugin: Plugin = {
  version: "4.34.2",
  supportsPreview: true,
  acceptSecrets: true,
  checkConfig: checkSettings,
  diffConfig: settingsDifference,
  configure: (config) => {
    configureHelm(readSettings(config).kubeconfig);
    return connect(config);
  },
  check: (resource, olds, news) => (isRelease(resource) ? checkRelease(news) : check(resource, olds, news)),
  diff: (...args) => (isRelease(args[0]) ? releaseDifference(args[2], args[3]) : diff(...args)),
  create: (request) => (isRelease(request.resource) ? installRelease(request) : create(request)),
  update: (request) => (isRelease(request.resource) ? upgradeRelease(request) : update(request)),
  read: (...args) => (isRelease(args[0]) ? readRelease(args[2], args[3]) : read(...args)),
  delete: (request) => (isRelease(request.resource) ? uninstallRelease(request) : destroy(request)),
  construct: constructConfigFile,
};

serve(plugin);
