import type {
  AnyContract,
  CommonErrorCode,
  commonErrors,
  Contracts,
  ErrorData,
  errors,
  ErrorsOf,
  InputOf,
  ItemOf,
} from '@olympus/contracts';

// The types of the API as the contracts infer them. The build puts the same types, written out, in
// the place of this module (`build/contract-types.ts`), so that the package needs neither zod nor inference.

interface ProcedureOf<C extends AnyContract> {
  kind: C['kind'];
  input: InputOf<C['def']>;
  output: ItemOf<C['def']>;
  code: keyof ErrorsOf<C['def']>;
  /** Whether it can be streamed over REST, and which way. */
  bulk: C['def'] extends { upload: readonly ['multipart/form-data', ...unknown[]] }
    ? 'file'
    : C['def'] extends { upload: unknown }
      ? 'upload'
      : C['def'] extends { download: unknown }
        ? 'download'
        : never;
}
type TreeOf<T> = { [K in keyof T]: T[K] extends AnyContract ? ProcedureOf<T[K]> : TreeOf<T[K]> };
type Registry = typeof commonErrors & typeof errors;

/** Every procedure, by domain. */
export type Procedures = TreeOf<Contracts>;
/** What comes with each error, by code. */
export type ServerFailures = { [C in keyof Registry]: ErrorData<Registry[C]> };
/** Errors that any call may meet. */
export type CommonCode = CommonErrorCode;

export type {
  AnalyticsSummary,
  ApiKey,
  AuditEntry,
  AuditHead,
  AuditVerification,
  ChatChannel,
  ChatEvent,
  ChatMember,
  ChatMessage,
  ChatPerson,
  ChatReceipt,
  Announcement,
  AuditEvent,
  Customer,
  CustomerEvent,
  Dashboard,
  DeviceSession,
  ImportReport,
  InputIssue,
  Interval,
  IssuedApiKey,
  LiveCounters,
  Location,
  Money,
  MyChatChannel,
  Notification,
  NotificationEvent,
  NotificationKind,
  NotificationPreferences,
  Order,
  OrderEvent,
  OrderKind,
  OrderLine,
  OrderStatus,
  OrderSummary,
  PresenceEvent,
  Product,
  ProductImage,
  ProductEvent,
  RevenueByCountry,
  RevenueByPeriod,
  Role,
  Session,
  Tenant,
  TenantRecord,
  TopCustomers,
  TopProducts,
  Tracked,
  User,
  UserEvent,
} from '@olympus/contracts';
