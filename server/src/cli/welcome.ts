import type { DemoLogin } from '../seed.ts';

/** What a person who has just started the server wants to know. */
export function welcome(url: string, demo: DemoLogin | null): string {
  const lines = [
    '',
    `  Olympus is ready at ${url}`,
    '',
    `  REST and its documents   ${url}/docs`,
    `  OpenAPI                  ${url}/openapi.json`,
    `  tRPC                     ${url}/trpc`,
    `  tRPC over WebSocket      ${url.replace(/^http/, 'ws')}/ws`,
    `  Live orders (SSE)        ${url}/api/v1/orders/events`,
    `  Health, metrics          ${url}/health  ${url}/metrics`,
  ];
  if (demo)
    lines.push(
      '',
      `  Demo login               ${demo.email}`,
      `  Password                 ${demo.password ?? 'as shown at the first start, or OLYMPUS_DEMO_PASSWORD'}`,
    );
  return `${lines.join('\n')}\n\n`;
}
