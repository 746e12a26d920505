import type { Scenario } from '../scenario.ts';

const logIn = { call: 'auth.login', as: 'nobody' } as const;
const fresh = 'another good password';

export const account: readonly Scenario[] = [
  {
    name: 'a changed password ends the other sessions and keeps the own one',
    steps: [
      { ...logIn, input: { email: '$ownerEmail', password: '$password' }, save: 'other' },
      { call: 'account.changePassword', input: { currentPassword: '$password', newPassword: fresh }, value: null },
      { call: 'auth.me', value: { user: { role: 'owner' } } },
      {
        call: 'auth.refresh',
        as: 'nobody',
        input: { refreshToken: '$other.refreshToken' },
        fails: 'INVALID_REFRESH_TOKEN',
      },
      { ...logIn, input: { email: '$ownerEmail', password: '$password' }, fails: 'INVALID_CREDENTIALS' },
      { ...logIn, input: { email: '$ownerEmail', password: fresh } },
    ],
  },
  {
    name: 'a password is changed only by who knows it, to a good one',
    steps: [
      {
        call: 'account.changePassword',
        input: { currentPassword: 'wrong', newPassword: fresh },
        fails: 'WRONG_PASSWORD',
        data: null,
      },
      {
        call: 'account.changePassword',
        input: { currentPassword: '$password', newPassword: 'short' },
        fails: 'INVALID_INPUT',
      },
      {
        call: 'account.changePassword',
        as: 'nobody',
        input: { currentPassword: '$password', newPassword: fresh },
        fails: 'UNAUTHENTICATED',
      },
    ],
  },
  {
    name: 'a forgotten password: asking answers alike, and an invented token is refused',
    steps: [
      { call: 'account.requestPasswordReset', as: 'nobody', input: { email: '$ownerEmail' }, value: null },
      { call: 'account.requestPasswordReset', as: 'nobody', input: { email: '$freshEmail' }, value: null },
      {
        call: 'account.resetPassword',
        as: 'nobody',
        input: { token: 'invented', newPassword: fresh },
        fails: 'INVALID_LINK',
        data: null,
      },
    ],
  },
  {
    name: 'an address is verified by a token: asking answers alike, and an invented one is refused',
    steps: [
      { call: 'auth.me', value: { emailVerifiedAt: null } },
      { call: 'account.requestEmailVerification', as: 'nobody', input: { email: '$ownerEmail' }, value: null },
      { call: 'account.requestEmailVerification', as: 'nobody', input: { email: '$freshEmail' }, value: null },
      { call: 'account.verifyEmail', as: 'nobody', input: { token: 'invented' }, fails: 'INVALID_LINK', data: null },
    ],
  },
  {
    name: 'a second factor is set up, asked for, and turned off',
    steps: [
      { call: 'account.totp.confirm', input: { code: '123456' }, fails: 'TOTP_NOT_ENROLLED', data: null },
      { call: 'account.totp.enroll', input: { password: 'wrong' }, fails: 'WRONG_PASSWORD' },
      { call: 'account.totp.enroll', input: { password: '$password' }, save: 'factor' },
      { call: 'account.totp.confirm', input: { code: 'not-a-code' }, fails: 'INVALID_SECOND_FACTOR', data: null },
      { call: 'account.totp.confirm', input: { code: '$code.factor' }, save: 'codes' },
      { call: 'account.totp.enroll', input: { password: '$password' }, fails: 'TOTP_ALREADY_ON', data: null },
      { call: 'auth.me', value: { totpEnabled: true } },
      {
        ...logIn,
        input: { email: '$ownerEmail', password: '$password' },
        fails: 'SECOND_FACTOR_REQUIRED',
        data: null,
      },
      {
        ...logIn,
        input: { email: '$ownerEmail', password: '$password', code: 'not-a-code' },
        fails: 'INVALID_SECOND_FACTOR',
      },
      {
        ...logIn,
        input: { email: '$ownerEmail', password: '$password', code: '$nextCode.factor' },
        value: { user: { role: 'owner' } },
      },
      {
        call: 'account.totp.renewRecoveryCodes',
        input: { password: '$password', code: '$codes.recoveryCodes.0' },
        save: 'renewed',
      },
      {
        call: 'account.totp.disable',
        input: { password: '$password', code: '$codes.recoveryCodes.1' },
        fails: 'INVALID_SECOND_FACTOR',
      },
      {
        call: 'account.totp.disable',
        input: { password: '$password', code: '$renewed.recoveryCodes.0' },
        value: null,
      },
      {
        call: 'account.totp.renewRecoveryCodes',
        input: { password: '$password', code: '$renewed.recoveryCodes.1' },
        fails: 'TOTP_NOT_ENROLLED',
      },
      { ...logIn, input: { email: '$ownerEmail', password: '$password' } },
    ],
  },
];
