import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { output, script, UserError } from "../processes";
import { isComplete, makeFolder } from "./goSet";

/** kube-proxy's tool, and the libraries that a small Debian lacks. */
const PACKAGES = ["nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libedit2", "libbsd0", "libmd0"];

const folderOf = (tools: string) => join(tools, "nft-debian");

/** An ordinary user's PATH has no folder of the administrator's programs. */
function nftOnMachine(): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, "nft")).find((path) => existsSync(path));
}

export function hasNft(tools: string): boolean {
  return nftOnMachine() !== undefined || isComplete(folderOf(tools));
}

/** Unpacks nft from Debian's packages into the cache. @throws UserError if they cannot be had. */
export async function installNft(tools: string): Promise<void> {
  await makeFolder(folderOf(tools), async (partial) => {
    await download(partial).catch(() => {
      throw new UserError("nft is missing: apt-get install nftables");
    });
    for (const file of readdirSync(partial).filter((name) => name.endsWith(".deb"))) {
      await output("dpkg-deb", ["--extract", join(partial, file), join(partial, "root")]);
      rmSync(join(partial, file));
    }
  });
}

/** The machine's nft, or the installed one. */
export function nftPath(tools: string): string {
  return nftOnMachine() ?? installedNft(folderOf(tools));
}

/** nft of an unpacked folder, as a script that finds its libraries. */
export function installedNft(folder: string): string {
  // Written again at each start: the cache may have been moved. Another lab may reach it by a link that ends with that lab.
  const root = join(realpathSync(folder), "root");
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
