import { z } from 'zod';
import { mutation, query } from '../contract.ts';
import { errors } from '../errors.ts';
import { DeviceName, Session, SignInProviders, SignInStart } from '../models/people.ts';

const { INVALID_SIGN_IN, NO_ACCOUNT, SIGN_IN_PROVIDER_NOT_FOUND } = errors;

export const signIn = {
  providers: query({
    summary: 'List where people may sign in beside by password',
    operationId: 'listSignInProviders',
    rest: 'GET /sign-in/providers',
    access: 'public',
    output: SignInProviders,
  }),
  start: mutation({
    summary: 'Begin to sign in at a provider',
    operationId: 'startSignIn',
    rest: 'POST /sign-in/start',
    access: 'public',
    rate: 'signIn',
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({
      provider: z
        .string()
        .min(1)
        .max(40)
        .meta({ description: 'Id of the provider', examples: ['google'] }),
      redirectUri: z
        .string()
        .min(1)
        .max(2000)
        .meta({ description: 'Where the provider sends the person back to; one that is configured for it' }),
    }),
    output: SignInStart,
    errors: { SIGN_IN_PROVIDER_NOT_FOUND },
  }),
  finish: mutation({
    summary: 'Exchange what a provider sent back for a session',
    operationId: 'finishSignIn',
    rest: 'POST /sign-in/finish',
    access: 'public',
    // Nobody guesses a state, and many users share an address: counted as other writes are.
    rate: 'write',
    idempotent: false,
    unitOfWork: 'own',
    input: z.strictObject({
      code: z.string().min(1).max(4096).meta({ description: '`code` of the address that the provider called' }),
      state: z.string().min(1).max(200).meta({ description: 'The state that start gave, which the client kept' }),
      iss: z
        .string()
        .min(1)
        .max(500)
        .optional()
        .meta({ description: '`iss` of the address that the provider called, where it has one (RFC 9207)' }),
      device: DeviceName.optional(),
    }),
    output: Session,
    errors: { INVALID_SIGN_IN, NO_ACCOUNT },
  }),
};
