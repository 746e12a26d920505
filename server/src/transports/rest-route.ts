import type { AnyContract, Method } from '@olympus/contracts';
import findMyWay from 'find-my-way';
import type { Procedure } from '../kernel/implement.ts';
import { dateReviver, textDecoder } from './coerce.ts';
import { elementOf, fieldsOf } from './schema-shape.ts';

/** How one field is read from text: each given value, or all of them where the field is a list. */
export interface TextField {
  readonly list: boolean;
  readonly decode: (text: string) => unknown;
}

/** A contract by its dotted path, implemented or not. */
export interface Promised {
  readonly path: string;
  readonly contract: AnyContract;
}

/** A procedure as REST serves it: what its contract says, worked out once. */
export interface Operation<P extends Promised = Procedure> {
  readonly procedure: P;
  readonly method: Method;
  readonly pathFields: ReadonlyMap<string, TextField>;
  readonly queryFields: ReadonlyMap<string, TextField>;
  readonly bodyFields: ReadonlySet<string>;
  /** Whether everything that is not in the path or named `query` travels in the body. */
  readonly takesBody: boolean;
  readonly bodyTypes: readonly string[];
  readonly reviveDates: ((value: unknown) => unknown) | null;
  readonly versioned: boolean;
  readonly resumable: boolean;
  readonly page: boolean;
}

/** The operations of one path by method. */
export type PathItem = ReadonlyMap<Method, Operation>;

const jsonTypes = ['application/json'];
const patchTypes = ['application/json', 'application/merge-patch+json'];

/** Splits `GET /orders/{id}` into its parts. */
export function routeOf({ contract }: Pick<Promised, 'contract'>): { method: Method; path: string; params: string[] } {
  const [method, path] = contract.def.rest.split(' ') as [Method, string];
  return { method, path, params: [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '') };
}

export function compile<P extends Promised>(procedure: P): Operation<P> {
  const { def, kind } = procedure.contract;
  const { method, params } = routeOf(procedure);
  const fields = Object.entries(fieldsOf(def.input));
  const takesBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  const inQuery = (name: string) => !params.includes(name) && (!takesBody || def.query?.includes(name) === true);
  const texts = (chosen: (name: string) => boolean) =>
    new Map(
      fields.flatMap(([name, schema]): [string, TextField][] => {
        if (!chosen(name)) return [];
        const element = elementOf(schema);
        return [[name, { list: element !== null, decode: textDecoder(element ?? schema) }]];
      }),
    );

  return {
    procedure,
    method,
    takesBody,
    pathFields: texts((name) => params.includes(name)),
    queryFields: texts(inQuery),
    bodyFields: new Set(fields.map(([name]) => name).filter((name) => !params.includes(name) && !inQuery(name))),
    bodyTypes: [...(method === 'PATCH' ? patchTypes : jsonTypes), ...(def.upload ?? [])],
    reviveDates: def.input && takesBody ? dateReviver(def.input as unknown as Parameters<typeof dateReviver>[0]) : null,
    versioned: fields.some(([name]) => name === 'expectedVersion'),
    resumable: kind === 'subscription' && fields.some(([name]) => name === 'lastEventId'),
    page: 'nextCursor' in fieldsOf(def.output) && 'items' in fieldsOf(def.output),
  };
}

/** Finds the operations of a path below `/api/v1`, and the parameters in it, decoded; null where nothing is. */
export type FindPath = (
  path: string,
) => { item: PathItem; params: Readonly<Record<string, string | undefined>> } | null;

/**
 * One radix tree of paths, whatever their methods: a path that is written out wins over one with parameters,
 * so that `GET /orders/batch` is a wrong method and not an order called batch.
 */
export function pathFinder(procedures: readonly Procedure[]): FindPath {
  const items = new Map<string, Map<Method, Operation>>();
  for (const procedure of procedures) {
    const { method, path } = routeOf(procedure);
    const item = items.get(path) ?? new Map<Method, Operation>();
    if (item.has(method)) throw new Error(`${method} ${path} is promised twice`);
    items.set(path, item.set(method, compile(procedure)));
  }
  const router = findMyWay({ maxParamLength: 16_384 });
  for (const [path, item] of items) router.on('GET', path.replaceAll(/\{(\w+)\}/g, ':$1'), () => undefined, item);
  return (path) => {
    const found = router.find('GET', path);
    // The router takes an empty name for a parameter, which would make `/orders/` an order.
    if (!found || Object.values(found.params).includes('')) return null;
    return { item: found.store as PathItem, params: found.params };
  };
}
