import { z } from 'zod';
import type { ErrorSpec } from './contract.ts';
import { LineError } from './models/common.ts';
import { OrderStatus, PaymentStatus } from './models/order.ts';

const error = <const S extends z.ZodType>(status: number, title: string, data: S) =>
  ({ status, title, data }) satisfies ErrorSpec;

const None = z.null();
const Missing = z.object({ id: z.string() }).meta({ id: 'MissingResource' });

/** One fault of an input: where, what was expected, and the nearest known name where one was mistyped. */
export const InputIssue = z
  .object({
    field: z
      .string()
      .meta({ description: 'Dotted path of the field; empty for the whole input', examples: ['items.0.quantity'] }),
    message: z.string(),
    code: z.string().meta({ examples: ['too_small'] }),
    nearest: z.string().nullable().meta({ description: 'The known name nearest to an unknown one' }),
  })
  .meta({ id: 'InputIssue' });
export type InputIssue = z.output<typeof InputIssue>;

/** Errors that any call may meet; contracts need not declare them. */
export const commonErrors = {
  INVALID_INPUT: error(
    400,
    'The input is not valid',
    z.object({ issues: z.array(InputIssue) }).meta({ id: 'InvalidInput' }),
  ),
  UNAUTHENTICATED: error(401, 'A valid credential is needed', None),
  FORBIDDEN: error(
    403,
    'The caller may not do this',
    z.object({ permission: z.string().nullable() }).meta({ id: 'MissingPermission' }),
  ),
  TENANT_SUSPENDED: error(403, 'The tenant is suspended', None),
  NOT_FOUND: error(404, 'Nothing is here', None),
  METHOD_NOT_ALLOWED: error(
    405,
    'The method is not allowed here',
    z.object({ allowed: z.array(z.string()) }).meta({ id: 'AllowedMethods' }),
  ),
  NOT_ACCEPTABLE: error(
    406,
    'No acceptable media type',
    z.object({ available: z.array(z.string()) }).meta({ id: 'AvailableTypes' }),
  ),
  IDEMPOTENCY_IN_PROGRESS: error(409, 'The first call with this key is still running', None),
  VERSION_CONFLICT: error(
    412,
    'The resource has changed meanwhile',
    z.object({ currentVersion: z.int() }).meta({ id: 'CurrentVersion' }),
  ),
  PAYLOAD_TOO_LARGE: error(413, 'The request is too large', z.object({ limit: z.int() }).meta({ id: 'SizeLimit' })),
  URI_TOO_LONG: error(414, 'The address is too long', None),
  UNSUPPORTED_MEDIA_TYPE: error(
    415,
    'The media type is not supported',
    z.object({ supported: z.array(z.string()) }).meta({ id: 'SupportedTypes' }),
  ),
  RANGE_NOT_SATISFIABLE: error(
    416,
    'No such part of the bytes',
    z.object({ bytes: z.int() }).meta({ id: 'AvailableBytes' }),
  ),
  IDEMPOTENCY_KEY_REUSED: error(422, 'The key was used with another input', None),
  RATE_LIMITED: error(
    429,
    'Too many calls',
    z.object({ retryAfter: z.int().meta({ description: 'Seconds' }) }).meta({ id: 'RetryAfter' }),
  ),
  TOO_MANY_STREAMS: error(
    429,
    'Too many streams are open',
    z
      .object({
        cap: z.enum(['socket', 'user', 'tenant']).meta({ description: 'Whose streams are counted' }),
        limit: z.int().meta({ description: 'How many may be open at once' }),
        retryAfter: z.int().meta({ description: 'Seconds' }),
      })
      .meta({ id: 'TooManyStreams' }),
  ),
  CANCELLED: error(499, 'The caller left', None),
  INTERNAL: error(500, 'Something failed here', None),
  UNAVAILABLE: error(
    503,
    'A needed service does not answer',
    z.object({ retryAfter: z.int() }).meta({ id: 'Unavailable' }),
  ),
  DEADLINE_EXCEEDED: error(504, 'The call took too long', None),
};

/** Errors that contracts declare. */
export const errors = {
  INVALID_CREDENTIALS: error(401, 'E-mail address or password is wrong', None),
  INVALID_REFRESH_TOKEN: error(401, 'The refresh token is not valid', None),
  SECOND_FACTOR_REQUIRED: error(401, 'A code of the second factor is needed too', None),
  // 403 where a 401 might make a client renew or drop its session over a slip of the finger.
  INVALID_SECOND_FACTOR: error(403, 'The code of the second factor is wrong or was used before', None),
  WRONG_PASSWORD: error(403, 'The current password is wrong', None),
  EMAIL_NOT_VERIFIED: error(403, 'The e-mail address must be verified first', None),
  INVALID_LINK: error(400, 'The link is not valid, was used before or is too old', None),
  SESSION_NOT_FOUND: error(404, 'No such session', Missing),
  TOTP_ALREADY_ON: error(409, 'The second factor is on already', None),
  TOTP_NOT_ENROLLED: error(409, 'There is no second factor to confirm or to turn off', None),
  INVALID_SIGN_IN: error(401, 'The sign-in is used, too old, or was never begun', None),
  NO_ACCOUNT: error(403, 'Nobody here belongs to this sign-in', None),
  SIGN_IN_PROVIDER_NOT_FOUND: error(404, 'No such sign-in provider', Missing),
  REGISTRATION_CLOSED: error(403, 'Registration is closed', None),
  ROLE_TOO_HIGH: error(
    403,
    'A role above the own one cannot be given or changed',
    z.object({ role: z.string() }).meta({ id: 'RefusedRole' }),
  ),
  LOCATION_REFUSED: error(
    403,
    'The caller is kept to other locations',
    z
      .object({
        locationId: z.string().nullable().meta({ description: 'What was asked for; null for none' }),
        allowed: z.array(z.string()).meta({ description: 'The locations that the caller is kept to' }),
      })
      .meta({ id: 'RefusedLocation' }),
  ),
  SCOPE_TOO_WIDE: error(
    403,
    'A key cannot be given a permission that its maker does not hold',
    z.object({ scopes: z.array(z.string()) }).meta({ id: 'RefusedScopes' }),
  ),
  API_KEY_NOT_FOUND: error(404, 'No such API key', Missing),
  API_KEY_ENDED: error(409, 'The API key is revoked or has expired', Missing),
  TENANT_NOT_FOUND: error(404, 'No such tenant', Missing),
  ADDRESS_LOCKED_OUT: error(
    409,
    'The lists would keep out the address that sets them',
    z.object({ address: z.string() }).meta({ id: 'LockedOutAddress' }),
  ),
  EMAIL_TAKEN: error(409, 'The e-mail address is in use', z.object({ email: z.string() }).meta({ id: 'TakenEmail' })),
  LAST_OWNER: error(409, 'A tenant keeps at least one active owner', None),
  USER_NOT_FOUND: error(404, 'No such user', Missing),
  CUSTOMER_NOT_FOUND: error(404, 'No such customer', Missing),
  CUSTOMER_CODE_TAKEN: error(
    409,
    'The customer code is in use',
    z.object({ code: z.string() }).meta({ id: 'TakenCode' }),
  ),
  LOCATION_NOT_FOUND: error(404, 'No such location', Missing),
  LOCATION_NAME_TAKEN: error(
    409,
    'The location name is in use',
    z.object({ name: z.string() }).meta({ id: 'TakenName' }),
  ),
  PRODUCT_NOT_FOUND: error(404, 'No such product', Missing),
  PRODUCT_INACTIVE: error(409, 'The product is archived', Missing),
  IMAGE_NOT_FOUND: error(404, 'The product has no image', Missing),
  IMAGE_REFUSED: error(
    422,
    'The image cannot be taken',
    z
      .object({
        reason: z.string().meta({ description: '`unreadable` or `too_many_pixels`', examples: ['unreadable'] }),
      })
      .meta({ id: 'RefusedImage' }),
  ),
  FILE_NOT_FOUND: error(404, 'No such file', Missing),
  FILE_LINK_INVALID: error(403, 'The link is not valid, or no longer', None),
  UPLOAD_NOT_FOUND: error(404, 'No such upload', Missing),
  UPLOAD_INCOMPLETE: error(
    409,
    'The upload has not all of its bytes yet',
    z.object({ offset: z.int(), length: z.int() }).meta({ id: 'UploadProgress' }),
  ),
  STORAGE_QUOTA_EXCEEDED: error(
    413,
    'The tenant’s storage is used up',
    z.object({ quota: z.int(), used: z.int() }).meta({ id: 'StorageUse' }),
  ),
  STORAGE_FULL: error(507, 'There is no room to store it', None),
  SKU_TAKEN: error(409, 'The sku is in use', z.object({ sku: z.string() }).meta({ id: 'TakenSku' })),
  STOCK_UNTRACKED: error(409, 'The stock of the product is not tracked', Missing),
  OUT_OF_STOCK: error(
    409,
    'Not enough in stock',
    z
      .object({ productId: z.string(), sku: z.string(), requested: z.int(), available: z.int() })
      .meta({ id: 'StockShortage' }),
  ),
  CURRENCY_MISMATCH: error(
    422,
    'Another currency than the tenant’s',
    z.object({ expected: z.string(), received: z.string() }).meta({ id: 'CurrencyMismatch' }),
  ),
  ORDER_NOT_FOUND: error(404, 'No such order', Missing),
  ORDER_NUMBER_TAKEN: error(
    409,
    'The order number is in use',
    z.object({ number: z.string() }).meta({ id: 'TakenNumber' }),
  ),
  ORDER_NOT_PENDING: error(
    409,
    'Items change only while an order is pending',
    z.object({ status: OrderStatus }).meta({ id: 'CurrentStatus' }),
  ),
  PAYMENT_PENDING: error(
    409,
    'The payment is not authorized yet',
    z.object({ paymentStatus: PaymentStatus }).meta({ id: 'PendingPayment' }),
  ),
  PAYMENT_BEGUN: error(
    409,
    'Items do not change once the payment has begun',
    z.object({ paymentStatus: PaymentStatus }).meta({ id: 'BegunPayment' }),
  ),
  PAYMENTS_OFF: error(422, 'No payment provider is set up here', None),
  ILLEGAL_TRANSITION: error(
    409,
    'The status cannot follow',
    z.object({ from: OrderStatus, to: OrderStatus, allowed: z.array(OrderStatus) }).meta({ id: 'IllegalTransition' }),
  ),
  CHANNEL_NOT_FOUND: error(404, 'No such channel, or the caller is no member of it', Missing),
  CHANNEL_IS_DIRECT: error(409, 'A direct channel keeps its two users and has no name', Missing),
  MESSAGE_NOT_FOUND: error(404, 'No such message, or the caller is no member of its channel', Missing),
  MESSAGE_ID_REUSED: error(
    422,
    'The client id was used for another message',
    z.object({ clientId: z.string(), messageId: z.string() }).meta({ id: 'ReusedMessageId' }),
  ),
  NOTIFICATION_NOT_FOUND: error(404, 'The caller has no such notification', Missing),
  AUDIT_ENTRY_NOT_FOUND: error(404, 'No such entry of the audit log', Missing),
  DEAD_LETTER_NOT_FOUND: error(404, 'No such dead letter', Missing),
  DEAD_LETTER_NOT_DEAD: error(
    409,
    'The event is not given up: it is tried again, or waits behind another',
    z.object({ state: z.string().meta({ examples: ['retrying'] }) }).meta({ id: 'DeadLetterStanding' }),
  ),
  CONSUMER_NOT_FOUND: error(404, 'No such consumer', Missing),
  WEBHOOK_NOT_FOUND: error(404, 'No such endpoint', Missing),
  WEBHOOK_DELIVERY_NOT_FOUND: error(404, 'No such delivery', Missing),
  WEBHOOK_INACTIVE: error(409, 'The endpoint is switched off', Missing),
  WEBHOOK_LIMIT: error(
    409,
    'The tenant has as many endpoints as it may',
    z.object({ limit: z.int() }).meta({ id: 'WebhookLimit' }),
  ),
  IMPORT_REFUSED: error(
    422,
    'The input has faults and nothing was imported',
    z
      .object({
        lines: z.int(),
        failed: z.int(),
        errors: z.array(LineError),
      })
      .meta({ id: 'RefusedImport' }),
  ),
};

export type CommonErrorCode = keyof typeof commonErrors;
export type DeclaredErrorCode = keyof typeof errors;
export type ErrorCode = CommonErrorCode | DeclaredErrorCode;

/** RFC 9457, the one shape of every failed REST answer. */
export const Problem = z
  .object({
    type: z.string().meta({ examples: ['/problems/order-not-found'] }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().nullable(),
    code: z
      .string()
      .meta({ description: 'Upper snake case; see the operation for its codes', examples: ['ORDER_NOT_FOUND'] }),
    requestId: z.string(),
    errors: z.array(InputIssue),
    data: z
      .record(z.string(), z.unknown())
      .meta({ id: 'ProblemData' })
      .nullable()
      .meta({ description: 'What the code comes with' }),
  })
  .meta({ id: 'Problem' });
