// Run by `package.test.ts` in a project that has the tarball and `ws`.
const { createOlympus, isFailure } = require('@olympus/client');
const { WebSocket } = require('ws');

async function main() {
  const [url, account] = [process.argv[2], JSON.parse(process.argv[3])];
  const api = createOlympus({ url, WebSocket });
  await api.auth.login.mutate(account);
  const counters = await api.analytics.live.subscribe({}).next();
  const report = await api.orders.import.stream(
    'number,sku,description,quantity,unitPrice,placedAt\n1,A,Mug,2,1.25,2010-12-01T08:00:00Z\n',
  );
  const lines = [];
  for await (const { number, placedAt } of api.orders.export.stream()) lines.push([number, placedAt.getFullYear()]);
  const error = await api.orders.get.query({ id: '01890a5d-ac96-774b-bcce-b302099a8057' }).catch((e) => e);
  const { imported } = report;
  const code = isFailure(error, 'ORDER_NOT_FOUND') && error.failure.status;
  console.log(JSON.stringify({ live: counters.value.data.type, imported, lines, code }));
  api.$close();
}
void main();
