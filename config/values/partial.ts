/** Thrown when a rule reads a value that is itself wrong, so that the rule cannot be checked. */
class Unreadable extends Error {}

/** What a function returns; undefined if it reads a value that is itself wrong. */
export function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreadable) {
      return undefined;
    }
    throw error;
  }
}

/**
 * The valid part of a map in which some keys are wrong. A rule that needs a wrong key cannot be checked, so reading one throws.
 * The rule's caller catches that: a mistake in one key neither hides a mistake in another nor causes a second message.
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
