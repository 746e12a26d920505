import type { TRPCProcedureOptions } from '@trpc/client';

/** A page of a list; `nextCursor` is null on the last one. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
/** What every list adds to its `query`. */
export interface Paged<Input, P> {
  /** Each page, one request at a time: `for await (const page of api.orders.list.pages({ limit: 100 }))`. */
  pages(input: Input, options?: TRPCProcedureOptions): AsyncGenerator<P, void, undefined>;
  /** Each item of each page: `for await (const order of api.orders.list.items({ status: 'pending' }))`. */
  items(input: Input, options?: TRPCProcedureOptions): AsyncGenerator<ItemOf<P>, void, undefined>;
}
type ItemOf<P> = P extends Page<infer T> ? T : never;

type Query = (input: object) => Promise<Page<unknown>>;

/** Pages from the input's cursor on. */
export async function* pagesOf(query: Query, input: object = {}): AsyncGenerator<Page<unknown>, void, undefined> {
  let page = await query(input);
  yield page;
  while (page.nextCursor) {
    page = await query({ ...input, cursor: page.nextCursor });
    yield page;
  }
}

export async function* itemsOf(query: Query, input?: object): AsyncGenerator<unknown, void, undefined> {
  for await (const { items } of pagesOf(query, input)) yield* items;
}
