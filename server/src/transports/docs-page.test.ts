import express from 'express';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docs } from './docs-page.ts';
import { problemTypes } from './problem-types.ts';

let server: Server;
let url: string;
beforeAll(async () => {
  server = express().use('/docs', docs()).use('/problems', problemTypes()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

describe('the documentation page', () => {
  it('loads only files of this server, all of which exist', async () => {
    const page = await fetch(`${url}/docs`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\//);
    const files = [...html.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, file]) => file);
    expect(files).toHaveLength(5);
    for (const file of files) {
      const answer = await fetch(url + file);
      expect(answer.status, file).toBe(200);
      expect((await answer.text()).length).toBeGreaterThan(50);
    }
  });

  it('reads the OpenAPI document of the same server', async () => {
    expect(await (await fetch(`${url}/docs/start.js`)).text()).toContain('url: "/openapi.json"');
  });

  it('shows no other files of the library', async () => {
    for (const file of ['package.json', 'index.html', '..%2fpackage.json', 'swagger-ui.js.map'])
      expect((await fetch(`${url}/docs/${file}`)).status).toBe(404);
  });
});

describe('problem types', () => {
  it('describe what the type of a problem points to', async () => {
    const json = await fetch(`${url}/problems/out-of-stock`, { headers: { accept: 'application/json' } });
    expect(await json.json()).toEqual({
      type: '/problems/out-of-stock',
      code: 'OUT_OF_STOCK',
      status: 409,
      title: 'Not enough in stock',
    });
    const html = await fetch(`${url}/problems/out-of-stock`, { headers: { accept: 'text/html' } });
    expect(await html.text()).toContain('<h1>OUT_OF_STOCK</h1>');
    expect((await fetch(`${url}/problems/nothing`)).status).toBe(404);
  });
});
