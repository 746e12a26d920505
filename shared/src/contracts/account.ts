import { z } from 'zod';
import { mutation } from '../contract.ts';
import { errors } from '../errors.ts';
import { EmailAddress } from '../models/common.ts';
import { Password, RecoveryCodes, SecondFactorCode, TotpEnrollment } from '../models/people.ts';

const { INVALID_LINK, INVALID_SECOND_FACTOR, TOTP_ALREADY_ON, TOTP_NOT_ENROLLED, WRONG_PASSWORD } = errors;
const currentPassword = z
  .string()
  .min(1)
  .max(200)
  .meta({ format: 'password', examples: ['correct horse battery'] });
const token = z.string().min(1).max(200).meta({ description: 'From the link of the mail' });

// Neither what these are given nor what they answer is kept, so no idempotency key keeps it either.
const secret = { idempotent: false, unitOfWork: 'own' } as const;

export const account = {
  changePassword: mutation({
    summary: 'Change the caller’s password and end their other sessions',
    operationId: 'changePassword',
    rest: 'POST /account/password',
    status: 204,
    access: 'self:write',
    ...secret,
    input: z.strictObject({ currentPassword, newPassword: Password }),
    output: z.null(),
    errors: { WRONG_PASSWORD },
  }),
  requestPasswordReset: mutation({
    summary: 'Send a link for a new password, if the address is a user’s',
    operationId: 'requestPasswordReset',
    rest: 'POST /account/password-reset/request',
    status: 204,
    access: 'public',
    rate: 'signIn',
    ...secret,
    input: z.strictObject({ email: EmailAddress }),
    output: z.null(),
  }),
  resetPassword: mutation({
    summary: 'Set a new password by the token of a mail and end all sessions',
    operationId: 'resetPassword',
    rest: 'POST /account/password-reset',
    status: 204,
    access: 'public',
    rate: 'signIn',
    ...secret,
    input: z.strictObject({ token, newPassword: Password }),
    output: z.null(),
    errors: { INVALID_LINK },
  }),
  requestEmailVerification: mutation({
    summary: 'Send a link that verifies an address, if it is a user’s and not verified yet',
    operationId: 'requestEmailVerification',
    rest: 'POST /account/email-verification/request',
    status: 204,
    access: 'public',
    rate: 'signIn',
    ...secret,
    input: z.strictObject({ email: EmailAddress }),
    output: z.null(),
  }),
  verifyEmail: mutation({
    summary: 'Verify an e-mail address by the token of a mail',
    operationId: 'verifyEmail',
    rest: 'POST /account/email-verification',
    status: 204,
    access: 'public',
    rate: 'signIn',
    ...secret,
    input: z.strictObject({ token }),
    output: z.null(),
    errors: { INVALID_LINK },
  }),
  totp: {
    enroll: mutation({
      summary: 'Begin to set up a second factor; `confirm` turns it on',
      operationId: 'enrollTotp',
      rest: 'POST /account/totp',
      status: 201,
      access: 'self:write',
      ...secret,
      input: z.strictObject({ password: currentPassword }),
      output: TotpEnrollment,
      errors: { WRONG_PASSWORD, TOTP_ALREADY_ON },
    }),
    confirm: mutation({
      summary: 'Turn the second factor on by a first code',
      operationId: 'confirmTotp',
      rest: 'POST /account/totp/confirm',
      access: 'self:write',
      ...secret,
      input: z.strictObject({ code: SecondFactorCode }),
      output: RecoveryCodes,
      errors: { INVALID_SECOND_FACTOR, TOTP_ALREADY_ON, TOTP_NOT_ENROLLED },
    }),
    renewRecoveryCodes: mutation({
      summary: 'Get new recovery codes; the old ones are void',
      operationId: 'renewRecoveryCodes',
      rest: 'POST /account/totp/recovery-codes',
      access: 'self:write',
      ...secret,
      input: z.strictObject({ password: currentPassword, code: SecondFactorCode }),
      output: RecoveryCodes,
      errors: { INVALID_SECOND_FACTOR, TOTP_NOT_ENROLLED, WRONG_PASSWORD },
    }),
    disable: mutation({
      summary: 'Turn the second factor off',
      operationId: 'disableTotp',
      rest: 'POST /account/totp/disable',
      status: 204,
      access: 'self:write',
      ...secret,
      input: z.strictObject({ password: currentPassword, code: SecondFactorCode }),
      output: z.null(),
      errors: { INVALID_SECOND_FACTOR, TOTP_NOT_ENROLLED, WRONG_PASSWORD },
    }),
  },
};
