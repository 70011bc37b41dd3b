/** The own value, or else the inherited one, which `false` turns off. */
export function nearest<T>(own: T | false | undefined, inherited: T | undefined): T | undefined {
  return own === false ? undefined : (own ?? inherited);
}
