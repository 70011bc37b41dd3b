/** Thrown when a rule reads a value that is itself wrong, and so cannot be judged. */
export class Unreadable extends Error {}

/**
 * The sound part of a map in which some keys are wrong. A rule that needs a wrong key cannot say anything, so reading one throws.
 * Whoever calls the rule catches that: a mistake in one key hides no mistake in another, and causes no second message either.
 * @throws {Unreadable} from the returned map, when a wrong key is read or all keys are listed.
 */
export function partial<T extends object>(sound: Partial<T>, wrong: ReadonlySet<PropertyKey>): T {
  return new Proxy(sound, {
    get: (target, key, receiver) => {
      if (wrong.has(key)) {
        throw new Unreadable();
      }
      return Reflect.get(target, key, receiver) as unknown;
    },
    ownKeys: (target) => {
      if (wrong.size > 0) {
        throw new Unreadable();
      }
      return Reflect.ownKeys(target);
    },
  }) as T;
}
