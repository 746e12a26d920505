import type { Scenario } from '../scenario.ts';

export const signIn: readonly Scenario[] = [
  {
    name: 'sign-in providers are public',
    steps: [{ call: 'signIn.providers', as: 'nobody', value: { items: [] } }],
  },
  {
    name: 'a sign-in at an unknown provider',
    steps: [
      {
        call: 'signIn.start',
        as: 'nobody',
        input: { provider: 'nobody', redirectUri: 'https://shop.test/back' },
        fails: 'SIGN_IN_PROVIDER_NOT_FOUND',
        data: { id: 'nobody' },
      },
    ],
  },
  {
    name: 'a sign-in that was never begun',
    steps: [
      {
        call: 'signIn.finish',
        as: 'nobody',
        input: { code: 'code', state: 'ols_never' },
        fails: 'INVALID_SIGN_IN',
        data: null,
      },
    ],
  },
];
