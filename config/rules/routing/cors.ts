import { pathSettings, type PathSettings } from "../../resolve/pathSettings";
import type { Problem } from "../../values/problem";
import type { CheckedStack } from "../checkedStack";

/** Paths that no preflight reaches, since a preflight is an OPTIONS request without the headers that the page will send. */
export function corsProblems({ services, defaults }: CheckedStack): Problem[] {
  return services.flatMap((service) => {
    const paths = pathSettings(service, defaults);
    return paths
      .filter(({ path, cors }) => cors !== undefined && !takesPreflights(path))
      .filter(
        ({ path }) =>
          !paths.some(
            (other) =>
              other.cors !== undefined &&
              other.path.path === path.path &&
              other.path.type === path.type &&
              takesPreflights(other.path),
          ),
      )
      .map(({ here, path }) => ({
        path: `${here}.match`,
        value: path.match,
        expected: `cors also on ${path.path} without a match on headers or method: a preflight is an OPTIONS request without those headers`,
      }));
  });
}

function takesPreflights({ match }: PathSettings["path"]): boolean {
  return match?.headers === undefined && (match?.method === undefined || match.method === "OPTIONS");
}
