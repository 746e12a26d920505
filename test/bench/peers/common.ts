import { createServer, type RequestListener } from 'node:http';
import { jwtVerify } from 'jose';
import postgres from 'postgres';

/** What every peer is told: where the data is, whose orders to list, and the key of its tokens. */
export const settings = {
  databaseUrl: process.env['PEER_DATABASE_URL'] ?? '',
  tenantId: process.env['PEER_TENANT_ID'] ?? '',
  key: new TextEncoder().encode(process.env['PEER_KEY'] ?? ''),
};

export const client = postgres(settings.databaseUrl, { max: 10 });

/** The tenant of a bearer token; throws for a bad one. */
export async function tenantOf(authorization: string | undefined): Promise<string> {
  const { payload } = await jwtVerify((authorization ?? '').replace(/^Bearer /, ''), settings.key, {
    algorithms: ['HS256'],
  });
  return String(payload['tid']);
}

export const listOrders = (tenantId: string) => client`
  select id, number, kind, status, customer_id as "customerId", location_id as "locationId", created_by as "createdBy", country, notes,
         item_count as "itemCount", units, total, currency, placed_at as "placedAt", created_at as "createdAt", updated_at as "updatedAt", version
  from orders where tenant_id = ${tenantId} order by placed_at desc, id desc limit 20`;

/** Serves on a port of the system's choosing and tells it to the parent. */
export function serve(listener: (...exchange: Parameters<RequestListener>) => unknown): void {
  const server = createServer((...exchange) => void listener(...exchange)).listen(0, '127.0.0.1', () =>
    announce((server.address() as { port: number }).port),
  );
}
export const announce = (port: number): void => void process.stdout.write(`listening ${port}\n`);
