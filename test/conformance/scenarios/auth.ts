import type { Scenario } from '../scenario.ts';

export const auth: readonly Scenario[] = [
  {
    name: 'me tells the user, the tenant and the permissions',
    steps: [
      { call: 'auth.me', value: { user: { role: 'owner' }, tenant: { currency: 'GBP', timeZone: 'Europe/London' } } },
    ],
  },
  { name: 'me without a credential', steps: [{ call: 'auth.me', as: 'nobody', fails: 'UNAUTHENTICATED', data: null }] },
  { name: 'a bad credential is refused', steps: [{ call: 'auth.me', as: 'forger', fails: 'UNAUTHENTICATED' }] },
  {
    name: 'a bad credential is refused even where none is needed',
    steps: [
      { call: 'auth.login', as: 'forger', input: { email: 'a@b.test', password: 'x' }, fails: 'UNAUTHENTICATED' },
    ],
  },
  {
    name: 'login with a wrong password',
    steps: [
      {
        call: 'auth.login',
        as: 'nobody',
        input: { email: '$ownerEmail', password: 'wrong' },
        fails: 'INVALID_CREDENTIALS',
        data: null,
      },
    ],
  },
  {
    name: 'login of an unknown address fails alike',
    steps: [
      {
        call: 'auth.login',
        as: 'nobody',
        input: { email: 'nobody@nowhere.test', password: 'wrong' },
        fails: 'INVALID_CREDENTIALS',
        data: null,
      },
    ],
  },
  {
    name: 'login',
    steps: [
      {
        call: 'auth.login',
        as: 'nobody',
        input: { email: '$ownerEmail', password: '$password' },
        value: { expiresIn: '$any', user: { role: 'owner', active: true } },
      },
    ],
  },
  {
    name: 'register refuses a taken address',
    steps: [
      {
        call: 'auth.register',
        as: 'nobody',
        input: { tenant: 'T', name: 'N', email: '$ownerEmail', password: 'long enough secret' },
        fails: 'EMAIL_TAKEN',
        data: { email: '$any' },
      },
    ],
  },
  {
    name: 'register names every fault',
    steps: [
      {
        call: 'auth.register',
        as: 'nobody',
        input: {
          tenant: '',
          name: 'N',
          email: 'no address',
          password: 'short',
          timeZone: 'Mars/Olympus',
          currency: 'pounds',
        },
        fails: 'INVALID_INPUT',
      },
    ],
  },
  {
    name: 'refresh rotates, gives who lost the answer the same pair again, and ends the session of who comes too late',
    steps: [
      { call: 'auth.login', as: 'nobody', input: { email: '$ownerEmail', password: '$password' }, save: 'session' },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$session.refreshToken' },
        value: { user: { role: 'owner' } },
        save: 'next',
      },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$session.refreshToken' },
        value: { refreshToken: '$next.refreshToken', accessToken: '$next.accessToken' },
      },
      { call: 'auth.refresh', as: 'nobody', input: { refreshToken: '$next.refreshToken' }, save: 'last' },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$session.refreshToken' },
        fails: 'INVALID_REFRESH_TOKEN',
      },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$last.refreshToken' },
        fails: 'INVALID_REFRESH_TOKEN',
      },
    ],
  },
  {
    name: 'refresh refuses an unknown token',
    steps: [
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: 'nothing' },
        fails: 'INVALID_REFRESH_TOKEN',
        data: null,
      },
    ],
  },
  {
    name: 'logout ends a session',
    steps: [
      { call: 'auth.login', as: 'nobody', input: { email: '$ownerEmail', password: '$password' }, save: 'session' },
      { call: 'auth.logout', input: { refreshToken: '$session.refreshToken' }, value: null },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$session.refreshToken' },
        fails: 'INVALID_REFRESH_TOKEN',
      },
    ],
  },
  {
    name: 'validate tells of a good token and of a bad one',
    steps: [
      {
        call: 'auth.validate',
        as: 'nobody',
        input: { token: '$ownerToken' },
        value: { valid: true, role: 'owner', expiresAt: '$date' },
      },
      {
        call: 'auth.validate',
        as: 'nobody',
        input: { token: 'rubbish' },
        value: { valid: false, userId: null, expiresAt: null },
      },
    ],
  },
];
