import { lstatSync, mkdirSync, readlinkSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { script } from "../processes";

/**
 * Points `link` to `target`, whatever it pointed to before: the cache may have been moved, or an installation interrupted.
 * The link is relative, so that it stays valid if the whole cache is moved.
 */
export function linkTo(target: string, link: string): void {
  mkdirSync(dirname(link), { recursive: true });
  const path = relative(realpathSync(dirname(link)), realpathSync(target));
  const present = lstatSync(link, { throwIfNoEntry: false });
  if (present?.isSymbolicLink() === true && readlinkSync(link) === path) {
    return;
  }
  rmSync(link, { force: true });
  symlinkSync(path, link);
}

/**
 * Makes a plugin's folder for a program that is somewhere else. The Pulumi CLI skips folders that are links, so the folder is
 * real, and the program in it a link.
 */
export function linkPlugin(folder: string, name: string, program: string): void {
  removeLink(folder);
  linkTo(program, join(folder, name));
}

/** Makes a plugin's folder for a line of shell. Never writes to what a link there points to: it is somebody's plugin. */
export function scriptPlugin(folder: string, name: string, line: string): void {
  removeLink(folder);
  mkdirSync(folder, { recursive: true });
  removeLink(join(folder, name));
  script(join(folder, name), line);
}

function removeLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    rmSync(path);
  }
}
