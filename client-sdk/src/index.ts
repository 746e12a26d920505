export { createOlympus } from './olympus.ts';
export { isFailure, OlympusError, outcome } from './failure.ts';
export { memorySession } from './session.ts';
export { createInbox } from './inbox.ts';
export { memoryInbox, storedInbox } from './inbox-store.ts';
export { createOutbox } from './outbox.ts';
export { memoryOutbox, storedOutbox } from './outbox-store.ts';
export { storedSession } from './stored-session.ts';
export type { ApiKeySource } from './api-key.ts';
export type { ImportBody, StreamOptions } from './bulk.ts';
export type { ImageBody, SendOptions } from './files.ts';
export type { CallContext } from './calls.ts';
export type { Olympus } from './client-types.ts';
export type { ClientFailures, Failure, FailureCode, FailureFor, FailureOf, Failures, Outcome } from './failure.ts';
export type { BatchOptions } from './http.ts';
export type { OlympusOptions, WebSocketClass } from './options.ts';
export type { Inbox, InboxOptions } from './inbox.ts';
export type { InboxMark, InboxStore } from './inbox-store.ts';
export type { Outbox, OutboxEvent, OutboxOptions } from './outbox.ts';
export type { OutboxStore, OutgoingMessage } from './outbox-store.ts';
export type { Inputs, OlympusRouter, Outputs } from './procedures.ts';
export type { SessionStore, StoredSession } from './session.ts';
export type { TextStorage } from './stored-session.ts';
export type {
  AnalyticsSummary,
  Announcement,
  ApiKey,
  AuditEntry,
  AuditEvent,
  AuditHead,
  AuditVerification,
  ChatChannel,
  ChatEvent,
  ChatMember,
  ChatMessage,
  ChatPerson,
  ChatReceipt,
  CommonCode,
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
  ProductEvent,
  ProductImage,
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
} from './contracts.ts';
