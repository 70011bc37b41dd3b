/**
 * Most of one object that grows with the services: about 100 of them, which a browser can still show. A ConfigMap takes four
 * times as much, and the operators of Prometheus and VictoriaMetrics take twice as much of rules. Unit: bytes.
 */
const MAX_PAGE = 256 * 1024;

/**
 * Items in order, each on the first page with room for it; one that is larger than a page has one to itself.
 * @param content What of an item ends up in the object.
 */
export function pages<T>(items: readonly T[], content: (item: T) => unknown): T[][] {
  const found: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(content(item)));
    const page = found.at(-1);
    if (page === undefined || size > room) {
      found.push([item]);
      room = MAX_PAGE - size;
    } else {
      page.push(item);
      room -= size;
    }
  }
  return found;
}

/** `alerts`, `alerts-2`, `alerts-3` and so on. Pages are numbered from 0. */
export function pageName(name: string, page: number): string {
  return page === 0 ? name : `${name}-${page + 1}`;
}
