/**
 * A stream that has begun before its reader is told so: tRPC tells readers of events before it asks for the first one,
 * and what happened in between would be lost. Resolves when `open` calls back; an error is left for the reader.
 */
export async function begun<T>(
  open: (onBegun: () => void) => AsyncGenerator<T, void, undefined>,
): Promise<AsyncGenerator<T, void, undefined>> {
  let onBegun = (): void => undefined;
  const beginning = new Promise<void>((resolve) => {
    onBegun = resolve;
  });
  const items = open(onBegun);
  const first = items.next();
  first.then(onBegun, onBegun);
  await beginning;
  return following(items, first);
}

async function* following<T>(
  items: AsyncGenerator<T, void, undefined>,
  first: Promise<IteratorResult<T, void>>,
): AsyncGenerator<T, void, undefined> {
  try {
    for (let item = await first; !item.done; item = await items.next()) yield item.value;
  } finally {
    await items.return();
  }
}
