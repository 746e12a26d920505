import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { Currency, EmailAddress, Id, pageInput, pageOf, sortOf, text, TimeZone } from '../models/common.ts';
import { DeviceName, DeviceSession, Me, Password, SecondFactorCode, Session, TokenStatus } from '../models/people.ts';

const { EMAIL_NOT_VERIFIED, EMAIL_TAKEN, INVALID_CREDENTIALS, INVALID_REFRESH_TOKEN, INVALID_SECOND_FACTOR } = errors;
const { REGISTRATION_CLOSED, SECOND_FACTOR_REQUIRED, SESSION_NOT_FOUND } = errors;
const device = DeviceName.optional();
const refreshToken = z.string().min(1).max(512);

export const auth = {
  register: mutation({
    summary: 'Open a tenant with its owner',
    operationId: 'register',
    rest: 'POST /auth/register',
    status: 201,
    access: 'public',
    rate: 'signIn',
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({
      tenant: text(200).meta({ description: 'Name of the shop' }),
      name: text(200),
      email: EmailAddress,
      password: Password,
      timeZone: TimeZone.default('UTC'),
      currency: Currency.default('USD'),
      device,
    }),
    output: Session,
    errors: { EMAIL_TAKEN, REGISTRATION_CLOSED },
  }),
  login: mutation({
    summary: 'Sign in by e-mail address and password, and a code where the second factor is on',
    operationId: 'login',
    rest: 'POST /auth/login',
    access: 'public',
    rate: 'signIn',
    idempotent: false,
    unitOfWork: 'own',
    // No rule on the password but a bound: what was once allowed must still be able to sign in.
    input: z.strictObject({
      email: EmailAddress,
      password: z.string().min(1).max(200),
      code: SecondFactorCode.optional(),
      device,
    }),
    output: Session,
    errors: { INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED, INVALID_SECOND_FACTOR, EMAIL_NOT_VERIFIED },
  }),
  refresh: mutation({
    summary: 'Exchange a refresh token for a new pair',
    operationId: 'refreshSession',
    rest: 'POST /auth/refresh',
    access: 'public',
    // Nobody guesses 32 random bytes, and many users share an address: counted as other writes are.
    rate: 'write',
    idempotent: false,
    unitOfWork: 'own',
    // Every quarter of an hour from every client; the sign-in has its entry.
    audit: false,
    input: z.strictObject({ refreshToken }),
    output: Session,
    errors: { INVALID_REFRESH_TOKEN },
  }),
  logout: mutation({
    summary: 'End the session of a refresh token, or the caller’s own',
    operationId: 'logout',
    rest: 'POST /auth/logout',
    status: 204,
    access: 'self:write',
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({ refreshToken: refreshToken.optional() }),
    output: z.null(),
  }),
  me: query({
    summary: 'The caller, their tenant and permissions',
    operationId: 'getMe',
    rest: 'GET /auth/me',
    access: 'identity:read',
    output: Me,
  }),
  validate: mutation({
    summary: 'Say whether an access token is valid, and whose it is',
    operationId: 'validateToken',
    rest: 'POST /auth/validate',
    access: 'public',
    idempotent: false,
    unitOfWork: 'own',
    // Changes nothing.
    audit: false,
    input: z.strictObject({
      token: z.string().min(1).max(8192).optional().meta({ description: 'Absent: the bearer token of the request' }),
    }),
    output: TokenStatus,
  }),
  sessions: {
    list: query({
      summary: 'List the caller’s sessions, one for each device that is signed in',
      operationId: 'listSessions',
      rest: 'GET /auth/sessions',
      access: 'self:read',
      input: z.strictObject({ ...pageInput, sort: sortOf(['lastUsedAt', 'createdAt'], '-lastUsedAt') }),
      output: pageOf(DeviceSession, 'SessionPage'),
    }),
    revoke: mutation({
      summary: 'End one of the caller’s sessions',
      operationId: 'revokeSession',
      rest: 'DELETE /auth/sessions/{id}',
      status: 204,
      access: 'self:write',
      idempotent: false,
      unitOfWork: 'own',
      input: z.strictObject({ id: Id }),
      output: z.null(),
      errors: { SESSION_NOT_FOUND },
    }),
    revokeOthers: mutation({
      summary: 'End all of the caller’s sessions but the one that calls',
      operationId: 'revokeOtherSessions',
      rest: 'POST /auth/sessions/revoke-others',
      access: 'self:write',
      idempotent: false,
      unitOfWork: 'own',
      output: z.object({ revoked: z.int() }).meta({ id: 'RevokedSessions' }),
    }),
  },
};
