import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { output, script, UserError } from "../processes";
import { makeFolder } from "./goSet";

/** kube-proxy's tool, and the libraries that a small Debian lacks. */
const PACKAGES = ["nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libedit2", "libbsd0", "libmd0"];

/** The machine's nft, or one from Debian's packages. @throws UserError if there is neither. */
export async function findNft(tools: string): Promise<string> {
  const present = await output("sh", ["-c", "PATH=$PATH:/usr/sbin:/sbin command -v nft"]).catch(() => "");
  if (present !== "") {
    return present.trim();
  }
  const folder = join(tools, "nft-debian");
  await makeFolder(folder, async (partial) => {
    await download(partial).catch(() => {
      throw new UserError("nft is missing: apt-get install nftables");
    });
    for (const file of readdirSync(partial).filter((name) => name.endsWith(".deb"))) {
      await output("dpkg-deb", ["--extract", join(partial, file), join(partial, "root")]);
      rmSync(join(partial, file));
    }
  });
  // Written again at each start: the cache may have been moved.
  const root = join(folder, "root");
  const libraries = ["usr/lib", "lib"].map((path) => `${join(root, path)}/$(uname -m)-linux-gnu`).join(":");
  script(join(folder, "nft"), `LD_LIBRARY_PATH="${libraries}" exec '${join(root, "usr", "sbin", "nft")}' "$@"`);
  return join(folder, "nft");
}

/** With the machine's own lists of packages, or with fresh ones, which need no rights. */
async function download(folder: string): Promise<void> {
  const packages = ["download", ...PACKAGES];
  await output("apt-get", packages, { cwd: folder }).catch(async () => {
    const lists = join(folder, "lists");
    mkdirSync(join(lists, "partial"), { recursive: true });
    const own = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${lists}`];
    await output("apt-get", [...own, "update"], { cwd: folder });
    await output("apt-get", [...own, ...packages], { cwd: folder });
    rmSync(lists, { recursive: true });
  });
}
