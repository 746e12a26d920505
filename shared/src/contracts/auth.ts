import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { Currency, EmailAddress, text, TimeZone } from '../models/common.ts';
import { Me, Password, Session, TokenStatus } from '../models/people.ts';

const { EMAIL_TAKEN, INVALID_CREDENTIALS, INVALID_REFRESH_TOKEN, REGISTRATION_CLOSED } = errors;
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
    }),
    output: Session,
    errors: { EMAIL_TAKEN, REGISTRATION_CLOSED },
  }),
  login: mutation({
    summary: 'Sign in by e-mail address and password',
    operationId: 'login',
    rest: 'POST /auth/login',
    access: 'public',
    rate: 'signIn',
    idempotent: false,
    unitOfWork: 'own',
    // No rule on the password but a bound: what was once allowed must still be able to sign in.
    input: z.strictObject({ email: EmailAddress, password: z.string().min(1).max(200) }),
    output: Session,
    errors: { INVALID_CREDENTIALS },
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
    input: z.strictObject({
      token: z.string().min(1).max(8192).optional().meta({ description: 'Absent: the bearer token of the request' }),
    }),
    output: TokenStatus,
  }),
};
