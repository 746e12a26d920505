import type { Scenario } from '../scenario.ts';

const logIn = {
  call: 'auth.login',
  as: 'nobody',
  input: { email: '$ownerEmail', password: '$password', device: 'Till 2' },
} as const;

export const sessions: readonly Scenario[] = [
  {
    name: 'sessions are listed with their device and ended one by one',
    steps: [
      { ...logIn, save: 'second' },
      {
        call: 'auth.sessions.list',
        input: { sort: '-createdAt', withTotal: true },
        value: {
          items: [
            { device: 'Till 2', address: '127.0.0.1', current: false, createdAt: '$date', lastUsedAt: '$date' },
            { device: 'node', current: true, expiresAt: '$date' },
          ],
          totalCount: 2,
          nextCursor: null,
        },
        save: 'page',
      },
      { call: 'auth.sessions.revoke', input: { id: '$page.items.0.id' }, value: null },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$second.refreshToken' },
        fails: 'INVALID_REFRESH_TOKEN',
      },
      {
        call: 'auth.sessions.revoke',
        input: { id: '$page.items.0.id' },
        fails: 'SESSION_NOT_FOUND',
        data: { id: '$page.items.0.id' },
      },
      { call: 'auth.sessions.list', value: { items: [{ current: true }] }, input: {} },
    ],
  },
  {
    name: 'all other sessions end at once',
    steps: [
      { ...logIn, save: 'second' },
      { ...logIn, save: 'third' },
      { call: 'auth.sessions.revokeOthers', value: { revoked: 2 } },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$third.refreshToken' },
        fails: 'INVALID_REFRESH_TOKEN',
      },
      { call: 'auth.sessions.revokeOthers', value: { revoked: 0 } },
      { call: 'auth.me', value: { user: { role: 'owner' } } },
    ],
  },
  {
    name: 'a session of another tenant is missing',
    steps: [
      { call: 'auth.sessions.list', as: 'stranger', input: {}, save: 'theirs' },
      { call: 'auth.sessions.revoke', input: { id: '$theirs.items.0.id' }, fails: 'SESSION_NOT_FOUND' },
      { call: 'auth.sessions.list', as: 'stranger', input: {}, value: { items: [{ current: true }] } },
    ],
  },
  {
    name: 'failed sign-ins have to wait, the right password too',
    steps: [
      ...Array.from({ length: 5 }, () => ({
        call: 'auth.login',
        as: 'nobody' as const,
        input: { email: '$ownerEmail', password: 'wrong' },
        fails: 'INVALID_CREDENTIALS' as const,
      })),
      { ...logIn, fails: 'RATE_LIMITED', data: { retryAfter: 1 } },
    ],
  },
];
