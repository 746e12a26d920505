import { startMailbox, tokenOf, type Mailbox } from '@olympus/server/platform/mailbox-testing.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createStore, registerTenant, rest, type Store } from '../harness.ts';
import { olympus, type Served } from '../processes.ts';

let store: Store;
let mailbox: Mailbox;
let server: Served | undefined;
beforeEach(async () => {
  [store, mailbox] = await Promise.all([createStore(), startMailbox()]);
});
afterEach(async () => {
  await server?.stop('SIGKILL');
  await mailbox.close();
  await store.remove();
});
const start = async () => {
  const { env } = store;
  const mail = { SMTP_URL: mailbox.url, MAIL_FROM: 'no-reply@olympus.test', OLYMPUS_APP_URL: 'https://app.test' };
  server = await olympus({ ...env, ...mail });
  return server;
};

it('a mail outlives a crash and a mail server that is away, and its link works', async () => {
  mailbox.refusing = true;
  const first = await start();
  const { user } = await registerTenant(first.url);
  await vi.waitFor(() => expect(first.output()).toContain('will be tried again'), { timeout: 20_000 });
  await first.stop('SIGKILL');
  expect(mailbox.mails).toEqual([]);

  mailbox.refusing = false;
  const restarted = await start();
  const mail = await mailbox.next(user.email);
  expect(mail.text).toContain('https://app.test/verify-email#token=');
  const verify = { method: 'POST', path: '/account/email-verification', body: { token: tokenOf(mail) } };
  expect((await rest(restarted.url, verify)).status).toBe(204);
  expect((await rest(restarted.url, verify)).body).toMatchObject({ code: 'INVALID_LINK', status: 400 });
  expect(restarted.output()).not.toContain(tokenOf(mail));
  expect(await restarted.stop()).toBe(0);
}, 180_000);
